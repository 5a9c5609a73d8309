/**
 * One upload that is under way: how far it is, what is being written, its hash. What may not live here: requests and
 * rows (uploads.ts); an upload knows no user.
 *
 * Theory. Chunks are taken in the order in which they come. One that fits is counted at once, so that the next may
 * already be on its way, and answered when it is written (not flushed: only `begin` and `end` promise that). While one
 * write is under way the next chunks gather and go together. When the disk refuses, the upload stands where it stood
 * before the chunks that were not written.
 */

import type { Part, Parts, PartWriter } from './parts.ts';
import { RunningHash } from './running-hash.ts';

/** So much is written before the disk is told to begin; `end` then waits for the last of it and not for 2 GiB. */
const FLUSH_EVERY_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Upload {
  readonly #parts: Parts;
  /** Parts of earlier owners, complete. */
  readonly #frozen: readonly { readonly file: string; readonly bytes: number }[];
  readonly #frozenBytes: number;
  readonly #file: string;
  readonly #hash = new RunningHash();
  #writer: PartWriter | null = null;
  /** Bytes taken, and of these written. */
  #taken: number;
  #written: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  /** Bytes that are surely on disk. */
  #flushed: number;
  #flushing: Promise<void> | null = null;
  /** The error of the last flush that failed; its identity tells a write that it came to nothing. */
  #lost: unknown = null;
  touchedMs: number;

  /** `file`: the part that is to be written, new. */
  constructor(parts: Parts, frozen: readonly { file: string; bytes: number }[], file: string, nowMs: number) {
    this.#parts = parts;
    this.#frozen = frozen;
    this.#frozenBytes = frozen.reduce((sum, part) => sum + part.bytes, 0);
    this.#file = file;
    this.#taken = this.#frozenBytes;
    this.#written = this.#taken;
    this.#flushed = this.#taken;
    this.touchedMs = nowMs;
  }

  /** Where the next chunk begins. */
  get offset(): number {
    return this.#taken;
  }

  /** The next bytes, at `offset`. Resolves when they are written. */
  take(bytes: Buffer): Promise<void> {
    this.#hash.add(this.#taken, bytes);
    this.#taken += bytes.length;
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }));
    this.#writing ??= this.#write();
    return written;
  }

  /** True when the file holds these very bytes at `at`, all before `offset`. */
  async holds(bytes: Buffer, at: number): Promise<boolean> {
    await this.#writing;
    for (let from = 0; from < bytes.length;) {
      const found = await this.read(at + from, bytes.length - from);
      if (found.length === 0 || Buffer.compare(found, bytes.subarray(from, from + found.length)) !== 0) return false;
      from += found.length;
    }
    return true;
  }

  /** Flushes what is written and answers how much that is. */
  async sync(): Promise<number> {
    await this.#writing;
    await this.#flushing;
    for (const part of this.#frozen) await this.#parts.sync(part.file);
    if (this.#writer !== null) await this.#flush(this.#writer);
    if (this.#hash.isBehind(this.#written)) this.#catchUp().catch(noMatter); // `end` tries again and tells
    return this.#flushed;
  }

  /** The SHA-256 in hex of everything written. */
  async digest(): Promise<string> {
    await this.#writing;
    await this.#catchUp();
    return this.#hash.hex();
  }

  /** All its parts, as they are now. */
  partsNow(): { readonly file: string; readonly bytes: number }[] {
    const own = { file: this.#file, bytes: this.#written - this.#frozenBytes };
    return [...this.#frozen, own].filter((part) => part.bytes > 0);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#flushing;
    await this.#writer?.close();
    this.#writer = null;
  }

  /** Bytes from anywhere in it; fewer at the end of a part. */
  read(at: number, length: number): Promise<Buffer> {
    return readParts(this.#parts, this.partsNow(), at, length);
  }

  #catchUp(): Promise<void> {
    return this.#hash.catchUp(
      () => this.#written,
      (at, length) => this.read(at, length),
    );
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      const lost = this.#lost;
      this.#waiting = [];
      try {
        this.#writer ??= await this.#parts.writer(this.#file);
        await this.#writer.write(
          batch.map((one) => one.bytes),
          this.#written - this.#frozenBytes,
        );
        if (lost !== this.#lost) throw this.#lost;
      } catch (error) {
        for (const one of batch) one.reject(error);
        this.#fallBackTo(this.#written, error);
        continue;
      }
      for (const one of batch) {
        this.#written += one.bytes.length;
        one.resolve();
      }
      if (this.#written - this.#flushed >= FLUSH_EVERY_BYTES && this.#flushing === null) {
        // Who waits for the disk, `begin` or `end`, sees by what is flushed whether this failed.
        this.#flushing = this.#flush(this.#writer)
          .catch(noMatter)
          .finally(() => (this.#flushing = null));
      }
    }
    this.#writing = null;
    if (this.#hash.isBehind(this.#written)) this.#catchUp().catch(noMatter); // `end` tries again and tells
  }

  /** A disk tells only once that it lost what it had taken; so that is believed, and goes on from what it surely has. */
  async #flush(writer: PartWriter): Promise<void> {
    const written = this.#written;
    try {
      await writer.sync();
      this.#flushed = Math.max(this.#flushed, written);
    } catch (error) {
      this.#lost = error;
      this.#fallBackTo(this.#flushed, error);
      throw error;
    }
  }

  /** The upload stands at `offset`; what follows is written over what may stand there. */
  #fallBackTo(offset: number, error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#written = offset;
    this.#taken = offset;
    this.#hash.restart();
    for (const one of waiting) one.reject(error);
  }
}

function noMatter(): void {}

/** At most `length` bytes of a file that is made of parts; fewer at the end of a part or of the file. */
export async function readParts(parts: Parts, list: readonly Part[], at: number, length: number): Promise<Buffer> {
  let start = 0;
  for (const part of list) {
    const bytes = part.bytes ?? 0;
    if (at < start + bytes) return parts.read(part.file, at - start, Math.min(length, start + bytes - at));
    start += bytes;
  }
  return Buffer.alloc(0);
}
