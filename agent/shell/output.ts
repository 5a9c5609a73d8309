/**
 * What instances write to stdout and stderr, collected into `logs/<service>-<id>.log` as JSON lines.
 *
 * Lives here: following the raw output and turning it into log lines. Does not live here: the agent's own log.
 *
 * A child writes straight into a file of its own under `output/`, not into a pipe: a pipe would break when its agent
 * dies, and with it every child that writes a word. This way children outlive their agent (R47), and what they
 * wrote meanwhile is collected by its next life. Raw output is cut off once it is collected and the child is
 * quiet; a line written in that very moment can be lost.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  type FSWatcher,
} from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { asLogLine, type LogNames } from './log-line.ts';
import { RotatingFile } from './rotating-file.ts';

/** One log file and the one before it take at most twice this. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;
/** Logs of ended instances beyond these, oldest first, are removed. */
const LOG_FILES_MAX = 512;
/** A longer line is cut into several. */
const LINE_CHARACTERS_MAX = 64 * 1024;
/** Read in one go; then others have their turn. */
const READ_BYTES = 256 * 1024;
/** Output that waits to be collected; beyond it the child writes faster than anybody could read, and it is dropped. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
/** Changes are read this much later together, in milliseconds. */
const READ_WAIT_MS = 20;
/** Quiet for this long: collected output is cut off. */
const QUIET_MS = 1000;
/** Where the system cannot watch files, they are looked at this often. */
const LOOK_MS = 500;

interface Followed {
  readonly path: string;
  readonly file: number;
  readonly names: LogNames;
  readonly log: RotatingFile;
  readonly decoder: StringDecoder;
  offset: number;
  partial: string;
  readTimer: NodeJS.Timeout | null;
  quietTimer: NodeJS.Timeout | null;
}

export class Output {
  readonly #node: string;
  readonly #now: () => number;
  readonly #tell: (sentence: string) => void;
  readonly #rawFolder: string;
  readonly #logFolder: string;
  readonly #followed = new Map<string, Followed>();
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #watcher: FSWatcher | null = null;
  #looking: NodeJS.Timeout | null = null;

  constructor(stateDir: string, node: string, now: () => number, tell: (sentence: string) => void) {
    this.#tell = tell;
    this.#node = node;
    this.#now = now;
    this.#rawFolder = join(stateDir, 'output');
    this.#logFolder = join(stateDir, 'logs');
    mkdirSync(this.#rawFolder, { recursive: true });
    mkdirSync(this.#logFolder, { recursive: true });
  }

  /** A file descriptor to hand to a child as stdout and stderr. The caller closes its own. */
  open(name: string): number {
    return openSync(join(this.#rawFolder, name), 'a', 0o600);
  }

  /** A process gets another name: a spare became an instance. */
  rename(from: string, to: string): void {
    renameSync(join(this.#rawFolder, from), join(this.#rawFolder, to));
  }

  /** What a spare that never got a role wrote is of no interest. */
  discard(name: string): void {
    rmSync(join(this.#rawFolder, name), { force: true });
  }

  /** Follows the output of an instance until `finish`. */
  follow(service: string, instance: number): void {
    const name = rawName(service, instance);
    if (this.#followed.has(name)) return;
    const path = join(this.#rawFolder, name);
    const file = this.#tried(() => openSync(path, 'a+', 0o600));
    if (file === undefined) return;
    this.#followed.set(name, {
      path,
      file,
      names: { node: this.#node, service, instance },
      log: new RotatingFile(join(this.#logFolder, `${name}.log`), LOG_BYTES_MAX, this.#tell),
      decoder: new StringDecoder('utf8'),
      offset: 0,
      partial: '',
      readTimer: null,
      quietTimer: null,
    });
    this.#watch();
    this.#readSoon(name);
  }

  /** The instance has ended: collects the rest. */
  finish(service: string, instance: number): void {
    const name = rawName(service, instance);
    const followed = this.#followed.get(name);
    if (followed === undefined) return;
    this.#tried(() => {
      this.#readAll(followed);
      if (followed.partial !== '') this.#add(followed, followed.partial);
      followed.log.close();
      this.#forget(name, followed);
      rmSync(followed.path, { force: true });
      this.#pruneLogs();
    });
  }

  /** Collects what children wrote that ended while there was no agent. Call it before anything is followed. */
  collectLeft(isFollowedLater: (service: string, instance: number) => boolean): void {
    for (const name of readdirSync(this.#rawFolder)) {
      const parts = /^(.+)-(\d+)$/.exec(name);
      const [service, instance] = [parts?.[1] ?? '', Number(parts?.[2])];
      if (parts === null || service.startsWith(SPARE)) this.discard(name);
      else if (!isFollowedLater(service, instance)) {
        this.follow(service, instance);
        this.finish(service, instance);
      }
    }
  }

  /** Writes what was collected; the children go on writing. */
  close(): void {
    this.#watcher?.close();
    if (this.#looking !== null) clearInterval(this.#looking);
    for (const [name, followed] of [...this.#followed]) {
      this.#readAll(followed);
      followed.log.close();
      this.#forget(name, followed);
    }
  }

  /** An instance is more than its log: what goes wrong with one is told and ends nothing. */
  #tried<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#tell(`output of instances is lost: ${(error as Error).message}`);
      return undefined;
    }
  }

  #forget(name: string, followed: Followed): void {
    if (followed.readTimer !== null) clearTimeout(followed.readTimer);
    if (followed.quietTimer !== null) clearTimeout(followed.quietTimer);
    closeSync(followed.file);
    this.#followed.delete(name);
  }

  /** One watch for all files, from the first one on. */
  #watch(): void {
    if (this.#watcher !== null || this.#looking !== null) return;
    const look = (): void => {
      this.#looking ??= setInterval(() => {
        for (const name of this.#followed.keys()) this.#readSoon(name);
      }, LOOK_MS);
    };
    try {
      this.#watcher = watch(this.#rawFolder, (_event, name) => {
        if (name !== null) this.#readSoon(name);
      });
      this.#watcher.on('error', look);
    } catch {
      look(); // the system has no watch left: looking costs a little, but works everywhere
    }
  }

  #readSoon(name: string): void {
    const followed = this.#followed.get(name);
    if (followed !== undefined)
      followed.readTimer ??= setTimeout(() => this.#tried(() => this.#readSome(name, followed)), READ_WAIT_MS);
  }

  #readSome(name: string, followed: Followed): void {
    followed.readTimer = null;
    const { size } = fstatSync(followed.file);
    if (size - followed.offset > BACKLOG_BYTES_MAX) this.#dropBacklog(followed, size);
    else if (this.#readOnce(followed)) return this.#readSoon(name);
    if (followed.quietTimer !== null) clearTimeout(followed.quietTimer);
    followed.quietTimer =
      followed.offset > 0 ? setTimeout(() => this.#tried(() => this.#cutOff(followed)), QUIET_MS) : null;
  }

  #readAll(followed: Followed): void {
    const { size } = fstatSync(followed.file);
    if (size - followed.offset > BACKLOG_BYTES_MAX) this.#dropBacklog(followed, size);
    while (this.#readOnce(followed));
  }

  /** Reads one piece; true when there was one. */
  #readOnce(followed: Followed): boolean {
    const count = readSync(followed.file, this.#buffer, 0, READ_BYTES, followed.offset);
    if (count === 0) return false;
    followed.offset += count;
    const lines = (followed.partial + followed.decoder.write(this.#buffer.subarray(0, count))).split('\n');
    followed.partial = lines.pop() as string;
    for (const line of lines) this.#add(followed, line);
    while (followed.partial.length > LINE_CHARACTERS_MAX) {
      this.#add(followed, followed.partial.slice(0, LINE_CHARACTERS_MAX));
      followed.partial = followed.partial.slice(LINE_CHARACTERS_MAX);
    }
    return true;
  }

  #add(followed: Followed, line: string): void {
    const entry = asLogLine(line, followed.names, this.#now());
    if (entry !== null) followed.log.add(entry);
  }

  #dropBacklog(followed: Followed, size: number): void {
    const bytes = size - followed.offset;
    this.#add(followed, `${bytes} bytes of output dropped: written faster than they could be collected`);
    ftruncateSync(followed.file, 0);
    followed.offset = 0;
    followed.partial = '';
  }

  #cutOff(followed: Followed): void {
    followed.quietTimer = null;
    if (fstatSync(followed.file).size !== followed.offset) return;
    ftruncateSync(followed.file, 0);
    followed.offset = 0;
  }

  #pruneLogs(): void {
    const files = readdirSync(this.#logFolder);
    if (files.length <= LOG_FILES_MAX) return;
    const open = new Set([...this.#followed.keys()].map((name) => `${name}.log`));
    const aged = files
      .filter((file) => !open.has(file.replace(/\.1$/, '')))
      .map((file) => ({ file, at: statSync(join(this.#logFolder, file)).mtimeMs }))
      .sort((a, b) => a.at - b.at);
    for (const { file } of aged.slice(0, files.length - LOG_FILES_MAX)) rmSync(join(this.#logFolder, file));
  }
}

/** How the raw output of an instance is called. */
export function rawName(service: string, instance: number): string {
  return `${service}-${instance}`;
}

/** First letters of a spare's raw output; no service is called so, its name would begin with a letter or digit. */
const SPARE = '.spare-';

export function spareName(service: string, number: number): string {
  return `${SPARE}${service}-${number}`;
}
