/**
 * Keeping the mirror of a journal: a second folder that follows the first (run by the supervisor).
 *
 * Lives here: copying what was written. Does not live here: which of the two a start begins from (journal-mirror.ts).
 *
 * Theory. A journal only grows at its end and begins new segments, so a copy is kept true by copying bytes from where it
 * ends. It reads the files and asks nothing of their writer, who therefore waits for nobody: the mirror may lack the
 * last moments. Only the two newest segments are kept, since each begins with the whole state. A mirror never follows a
 * journal that is behind it: that one was lost and made anew.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { chooseJournal, continues, endAlike, segmentsOf } from './journal-mirror.ts';
import { CHUNK_BYTES, type Segment } from './journal-segments.ts';

/** Segments that a mirror keeps. */
const SEGMENTS_KEPT = 2;
/** An addition up to this is copied at once, without the threads that a large one is worth. */
const SMALL_BYTES = 64 * 1024;
/** How often the journal is looked at. A folder that is watched would wake an idle supervisor several times at every beat. */
export const LOOK_MS = 500;

export interface FollowerOptions {
  readonly folder: string;
  readonly mirror: string;
  /** Told once for each kind of trouble; the journal itself is not affected. */
  tell(sentence: string): void;
}

/** Follows a journal until `stop`. */
export class JournalFollower {
  readonly #options: FollowerOptions;
  #timer: NodeJS.Timeout | null = null;
  #copying: Promise<void> | null = null;
  #stopped = false;
  #told = '';
  /** The newest segment and its size, when it was last looked at. */
  #seen: { readonly name: string; readonly size: number } | null = null;
  #hasGrown = false;
  /** Segments that were copied in this life, and how far. */
  readonly #copied = new Map<string, number>();

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Looks at the journal from now on. Who looks as often by itself, when it is awake anyway, need not start it. */
  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS);
  }

  /**
   * Copies what was added, a little at once, much of it in the background. True when the journal has grown since the look
   * before: then its writer lives.
   */
  look(): boolean {
    if (this.#stopped) return false;
    this.#hasGrown = false;
    if (this.#copying === null) void this.#copy();
    return this.#hasGrown;
  }

  /** Copies what there is now; resolves when it is done, also where that failed. */
  async catchUp(): Promise<void> {
    while (this.#copying !== null) await this.#copying;
    await this.#copy();
  }

  /** Copies the last of it and stops. */
  async stop(): Promise<void> {
    await this.catchUp();
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #copy(): Promise<void> {
    this.#copying = this.#copySegments().then(
      () => {
        this.#told = '';
      },
      (error: unknown) => this.#trouble((error as Error).message),
    );
    await this.#copying;
    this.#copying = null;
  }

  async #copySegments(): Promise<void> {
    const { folder, mirror } = this.#options;
    const source = segmentsOf(folder).slice(-SEGMENTS_KEPT);
    const newest = source.at(-1);
    if (newest === undefined || this.#addedSmall(newest, join(mirror, newest.name))) return;
    this.#grew(newest.name, fs.statSync(newest.path).size);
    await fs.promises.mkdir(mirror, { recursive: true, mode: 0o700 });
    if (chooseJournal(folder, mirror) === 'mirror')
      throw new Error(`the journal in ${folder} is behind its mirror, which is left as it is`);
    for (const segment of source) await this.#copySegment(segment, join(mirror, segment.name));
    const kept = new Set(source.map(({ name }) => name));
    for (const { name, path } of segmentsOf(mirror))
      if (!kept.has(name)) {
        await fs.promises.rm(path, { force: true });
        this.#copied.delete(name);
      }
  }

  /** Nearly every time: a little was added to the segment that was copied last. False where it is anything else. */
  #addedSmall({ name, path }: Segment, copy: string): boolean {
    const from = this.#copied.get(name);
    if (from === undefined) return false;
    const source = fs.openSync(path, 'r');
    try {
      const { size } = fs.fstatSync(source);
      this.#grew(name, size);
      if (size === from) return true;
      if (size < from || size - from > SMALL_BYTES || !addTo(copy, source, from, size)) return false;
      this.#copied.set(name, size);
      return true;
    } finally {
      fs.closeSync(source);
    }
  }

  /** Notes how far the journal goes. */
  #grew(name: string, size: number): void {
    const { name: before = '', size: sizeBefore = 0 } = this.#seen ?? {};
    if (name > before || (name === before && size > sizeBefore)) this.#hasGrown = true;
    this.#seen = { name, size };
  }

  async #copySegment({ name, path }: Segment, copy: string): Promise<void> {
    const { size } = await fs.promises.stat(path);
    if (this.#copied.get(name) === size) return;
    // Not so where a start has cut off a torn end meanwhile: then it is made anew.
    const isCopy = fs.existsSync(copy) && continues(path, copy);
    const from = isCopy ? fs.statSync(copy).size : 0;
    const target = isCopy ? copy : `${copy}.tmp`;
    await copyBytes(path, target, from, size);
    if (!isCopy) await fs.promises.rename(target, copy);
    this.#copied.set(name, size);
  }

  #trouble(sentence: string): void {
    this.#copied.clear();
    if (this.#told !== sentence) this.#options.tell(sentence);
    this.#told = sentence;
  }
}

/** Adds what an open journal has from `from` to `size` to its copy; false where the copy is not one of so many bytes. */
function addTo(copy: string, source: number, from: number, size: number): boolean {
  const target = openIfThere(copy);
  if (target === null) return false;
  try {
    if (fs.fstatSync(target).size !== from || !endAlike(source, target, from)) return false;
    const added = Buffer.allocUnsafe(size - from);
    if (fs.readSync(source, added, 0, added.length, from) !== added.length) return false;
    for (let at = 0; at < added.length;) at += fs.writeSync(target, added, at, added.length - at, from + at);
    return true;
  } finally {
    fs.closeSync(target);
  }
}

function openIfThere(path: string): number | null {
  try {
    return fs.openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function copyBytes(from: string, to: string, start: number, end: number): Promise<void> {
  const source = await fs.promises.open(from, 'r');
  try {
    const target = await fs.promises.open(to, start === 0 ? 'w' : 'r+', 0o600);
    try {
      const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, end - start)));
      for (let at = start; at < end;) {
        const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, end - at), at);
        if (bytesRead === 0) throw new Error(`${from} became shorter while it was copied`);
        for (let done = 0; done < bytesRead;)
          done += (await target.write(chunk, done, bytesRead - done, at + done)).bytesWritten;
        at += bytesRead;
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
