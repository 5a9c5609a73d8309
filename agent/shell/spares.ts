/**
 * Warm spares: idle processes of a service, waiting for their five arguments.
 *
 * Lives here: keeping as many as the repository says. Does not live here: when an instance is started.
 *
 * A spare is the service's program started without arguments; it reads them as one JSON line (an array of five
 * strings) from stdin. Its environment is fixed before it is known what it will be, so it is used only where the
 * instance needs exactly that one. When its agent dies, stdin ends and so does the spare. A program that ends
 * instead of waiting does not support this and is not tried again for ever.
 */
import { closeSync, mkdirSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import type { RepositoryService } from '../../ssmmp/core/repository-file.ts';
import { spareName, type Output } from './output.ts';
import { commandOf } from './repository.ts';

/** Spares are started this long after the last start of an instance, so that they do not compete. */
const QUIET_MS = 150;
/** One spare after the other, with so much time to get up. */
const NEXT_MS = 50;
/** Spares of one service that may end by themselves in a row; then it has none. */
const EARLY_ENDS_MAX = 3;

interface Spare {
  readonly child: ChildProcess;
  readonly output: string;
}

interface Kept {
  readonly service: RepositoryService;
  readonly env: Readonly<Record<string, string>>;
  readonly idle: Spare[];
  earlyEnds: number;
}

export class Spares {
  readonly #folder: string;
  readonly #output: Output;
  readonly #tell: (service: string, text: string) => void;
  readonly #kept = new Map<string, Kept>();
  #timer: NodeJS.Timeout | null = null;
  #started = 0;

  /** `envOf` is the environment of an instance of the service as far as the repository lets one foresee it. */
  constructor(
    services: readonly RepositoryService[],
    folder: string,
    envOf: (service: RepositoryService) => Readonly<Record<string, string>>,
    output: Output,
    tell: (service: string, text: string) => void,
  ) {
    this.#folder = folder;
    this.#output = output;
    this.#tell = tell;
    for (const service of services)
      if (service.spares > 0) this.#kept.set(service.name, { service, env: envOf(service), idle: [], earlyEnds: 0 });
  }

  /** An instance is being started: spares wait. */
  later(afterMs = QUIET_MS): void {
    if (this.#kept.size === 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fill(), afterMs);
  }

  /** Hands a spare its arguments and gives it away; null when there is none with this environment. */
  take(
    service: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    output: string,
  ): ChildProcess | null {
    const kept = this.#kept.get(service);
    if (kept === undefined || !isSame(kept.env, env)) return null;
    const spare = kept.idle.shift();
    if (spare === undefined) return null;
    kept.earlyEnds = 0;
    spare.child.removeAllListeners('exit');
    this.#output.rename(spare.output, output);
    spare.child.stdin?.end(`${JSON.stringify(args)}\n`);
    return spare.child;
  }

  /** Ends all of them. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const kept of this.#kept.values()) {
      for (const { child, output } of kept.idle) {
        child.removeAllListeners('exit').kill('SIGKILL');
        this.#output.discard(output);
      }
      kept.idle.length = 0;
    }
    this.#kept.clear();
  }

  #fill(): void {
    this.#timer = null;
    for (const kept of this.#kept.values())
      if (kept.idle.length < kept.service.spares && kept.earlyEnds < EARLY_ENDS_MAX) {
        this.#start(kept);
        return this.later(NEXT_MS);
      }
  }

  #start(kept: Kept): void {
    const { service, env } = kept;
    const output = spareName(service.name, (this.#started += 1));
    const file = this.#output.open(output);
    const [program, ...args] = commandOf(service);
    if (env['SSMMP_DATA_DIR'] !== undefined) mkdirSync(env['SSMMP_DATA_DIR'], { recursive: true });
    const child = spawn(program, args, {
      cwd: this.#folder,
      env: { ...env },
      detached: true,
      stdio: ['pipe', file, file],
    });
    closeSync(file);
    const spare = { child, output };
    kept.idle.push(spare);
    // It ends while its line is written: whoever took it sees its exit.
    child.stdin?.on('error', () => undefined);
    const ended = (why: string): void => {
      const at = kept.idle.indexOf(spare);
      if (at === -1) return;
      kept.idle.splice(at, 1);
      this.#output.discard(output);
      kept.earlyEnds += 1;
      if (kept.earlyEnds >= EARLY_ENDS_MAX)
        this.#tell(service.name, `its program does not wait for arguments on stdin (${why}); it gets no spares`);
      else this.later();
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
  }
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
