/**
 * The SHA-256 of an upload while it grows. Bytes that come in order are hashed as they come; what was not seen (it came
 * before a restart, or a write failed) is read again from disk, a slice at a time.
 *
 * Theory. Hashing 2 GiB at the end would keep everybody waiting for seconds; hashing 32 KiB with each chunk takes some
 * microseconds. The catching up reads what is on disk only, and slices are small, so that the event loop is never held
 * for long.
 */

import { createHash, type Hash } from 'node:crypto';

/** What is read at once while catching up; some 0.3 ms of hashing. */
const SLICE_BYTES = 256 * 1024;

export class RunningHash {
  #hash: Hash = createHash('sha256');
  #hashed = 0;
  #round = 0;
  #catchingUp: Promise<void> | null = null;

  /** The next bytes of the file, if they are the next ones; else they are left to catchUp. */
  add(offset: number, bytes: Uint8Array): void {
    if (offset !== this.#hashed) return;
    this.#hash.update(bytes);
    this.#hashed += bytes.length;
  }

  /** Forgets everything: some of what was hashed is not in the file. */
  restart(): void {
    this.#hash = createHash('sha256');
    this.#hashed = 0;
    this.#round += 1;
  }

  /** True when bytes up to `length` are on disk and not hashed. */
  isBehind(length: number): boolean {
    return this.#hashed < length;
  }

  /** Reads and hashes until `length()` is reached. Rejects when reading fails; call it again then. */
  catchUp(length: () => number, read: (at: number, bytes: number) => Promise<Buffer>): Promise<void> {
    this.#catchingUp ??= this.#follow(length, read).finally(() => (this.#catchingUp = null));
    return this.#catchingUp;
  }

  /** The digest in hex of what is hashed so far: all of the file, the caller has seen to that. */
  hex(): string {
    return this.#hash.copy().digest('hex');
  }

  async #follow(length: () => number, read: (at: number, bytes: number) => Promise<Buffer>): Promise<void> {
    while (this.#hashed < length()) {
      const round = this.#round;
      const bytes = await read(this.#hashed, Math.min(SLICE_BYTES, length() - this.#hashed));
      if (round !== this.#round) continue;
      if (bytes.length === 0) throw new Error('a part of the upload ends before its end');
      this.#hash.update(bytes);
      this.#hashed += bytes.length;
    }
  }
}
