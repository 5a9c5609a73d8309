/**
 * Where a fetched file goes: a partial file that takes its final name at the end, a device or a pipe, or stdout.
 *
 * Lives here: writing, and which of them a path means. Does not live here: what is sent (sources.ts), connections.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, EXIT } from '../core/exit.ts';
import { partName } from '../core/part-name.ts';
import type { Io } from './io.ts';
import { Interrupted } from './prompt.ts';
import { hashFile, NONBLOCK } from './sources.ts';

/** What a pipe did not take is offered again after this, in milliseconds; its reader is looked for as often. */
const OFFER_MS = 5;

/** Where a fetched file goes. */
export interface Sink {
  /** Prepares for this content; how many bytes of it are here already. */
  identify(size: number, sha256: string, isFresh: boolean): Promise<number>;
  write(bytes: Buffer): Promise<void>;
  /** True when all bytes have this SHA-256; then the file has its final name. */
  complete(sha256: string): Promise<boolean>;
  /** Ends without completing: what can be gone on with stays. */
  abandon(): Promise<void>;
}

/** A file: written as `PATH.<sha>.part` and renamed once it is complete and on disk. */
export class FileSink implements Sink {
  readonly #target: string;
  #file: FileHandle | null = null;
  #path = '';
  #hash: Hash = createHash('sha256');
  #written = 0;

  constructor(target: string) {
    this.#target = target;
  }

  async identify(size: number, sha256: string, isFresh: boolean): Promise<number> {
    const path = join(dirname(this.#target), partName(basename(this.#target), sha256));
    if (this.#file !== null && path !== this.#path) {
      await this.#file.close();
      await rm(this.#path, { force: true }); // a part of what is no longer there to be fetched
      this.#file = null;
    }
    this.#file ??= await openPart(path);
    this.#path = path;
    this.#hash = createHash('sha256');
    const info = await this.#file.stat();
    if (isFresh || info.size > size) {
      await this.#file.truncate(0);
      this.#written = 0;
    } else this.#written = await hashFile(this.#file, info.size, this.#hash);
    return this.#written;
  }

  async write(bytes: Buffer): Promise<void> {
    const file = this.#file as FileHandle;
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, this.#written);
      done += bytesWritten;
      this.#written += bytesWritten;
    }
    this.#hash.update(bytes);
  }

  async complete(sha256: string): Promise<boolean> {
    const wanted = sha256.toLowerCase();
    if (this.#hash.digest('hex') !== wanted) {
      this.#written = 0; // nothing of it is worth keeping
      return false;
    }
    const file = this.#file as FileHandle;
    await file.sync();
    await file.close();
    this.#file = null;
    try {
      await rename(this.#path, this.#target);
    } catch (error) {
      // Another cnapp that got the same was quicker: then what we want is there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || (await sha256Of(this.#target)) !== wanted) throw error;
    }
    return true;
  }

  async abandon(): Promise<void> {
    if (this.#file === null) return;
    await this.#file.close();
    this.#file = null;
    if (this.#written === 0) await rm(this.#path, { force: true });
  }
}

/**
 * A device or a pipe with a name: bytes are written into it as they come, and it stays what it is. A pipe waits for its reader.
 * Rejects with Interrupted, also while it waits.
 */
export class SpecialSink implements Sink {
  readonly #target: string;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  #file: FileHandle | null = null;

  constructor(target: string, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  async identify(): Promise<number> {
    if (this.#file !== null) throw replacedMeanwhile();
    this.#file = await this.#offered('ENXIO', () => open(this.#target, constants.O_WRONLY | NONBLOCK)); // no reader yet
    return 0;
  }

  async write(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    const file = this.#file as FileHandle;
    for (let done = 0; done < bytes.length;)
      done += (await this.#offered('EAGAIN', () => file.write(bytes, done))).bytesWritten; // the pipe is full
  }

  /** Tries again for as long as it fails with this code. */
  async #offered<T>(code: 'ENXIO' | 'EAGAIN', attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#signal.aborted) throw new Interrupted();
      try {
        return await attempt();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== code) throw error;
      }
      await sleep(OFFER_MS);
    }
  }

  complete(sha256: string): Promise<boolean> {
    return Promise.resolve(this.#hash.digest('hex') === sha256.toLowerCase());
  }

  async abandon(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}

/** Stdout: bytes leave at once, so nothing can be gone on with, and a wrong SHA-256 is known only at the end. */
export class StdoutSink implements Sink {
  readonly #io: Io;
  readonly #hash = createHash('sha256');
  #isBegun = false;

  constructor(io: Io) {
    this.#io = io;
  }

  identify(): Promise<number> {
    if (this.#isBegun) return Promise.reject(replacedMeanwhile());
    return Promise.resolve(0);
  }

  async write(bytes: Buffer): Promise<void> {
    this.#isBegun = true;
    this.#hash.update(bytes);
    if (!this.#io.stdout.write(bytes)) await once(this.#io.stdout, 'drain');
  }

  complete(sha256: string): Promise<boolean> {
    return Promise.resolve(this.#hash.digest('hex') === sha256.toLowerCase());
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}

/** The path that `get-file NAME --out PATH` writes to. */
export async function targetPath(out: string | null, name: string, cwd: string): Promise<string> {
  if (out === null) return join(cwd, name);
  const path = resolve(cwd, out);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (info?.isDirectory()) return join(path, name);
  if (/[/\\]$/.test(out) && basename(out) !== '')
    throw new CommandFailure(EXIT.failed, 0, `there is no folder ${path}`);
  return path;
}

/** Where a file goes that shall be at this path: what a link points to is replaced, not the link. */
export async function sinkAt(path: string, signal: AbortSignal): Promise<Sink> {
  if (await isSpecial(path)) return new SpecialSink(path, signal);
  return new FileSink(await realpath(path).catch(() => path)); // no such file yet: it will be
}

/** True for what is there and neither a file nor a folder. */
export async function isSpecial(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info !== null && !info.isFile() && !info.isDirectory();
}

function replacedMeanwhile(): CommandFailure {
  return new CommandFailure(EXIT.failed, 409, 'the file was replaced meanwhile');
}

async function sha256Of(path: string): Promise<string | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  const hash = createHash('sha256');
  await hashFile(file, (await file.stat()).size, hash).finally(() => file.close());
  return hash.digest('hex');
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return open(path, 'wx+');
    throw error;
  }
}
