/**
 * Local files of a transfer: the one that is sent (its size and SHA-256, its bytes), and where a fetched one goes (a
 * partial file that takes its final name at the end, or stdout). No connection in here.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants, mkdtempSync, readSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FILE_BYTES_MAX, checkFileSize } from '../../services/protocols/user.ts';
import { CommandFailure, EXIT } from '../core/exit.ts';
import { partName } from '../core/part-name.ts';
import type { Io } from './io.ts';
import { Interrupted, stdinChunks } from './prompt.ts';

const { O_RDONLY, O_WRONLY } = constants;
/** An open or a write that waits does so in a thread, which neither Ctrl-C nor the end of the process can end. Not on Windows. */
const NONBLOCK = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;
/** What a pipe did not take is offered again after this, in milliseconds; its reader is looked for as often. */
const OFFER_MS = 5;
const READ_BYTES = 1024 * 1024;

/** A file that is open for being sent. */
export interface Source {
  readonly size: number;
  readonly sha256: string;
  /** Exactly these bytes as base64; null when the file has become shorter. */
  read(offset: number, length: number): string | null;
  close(): Promise<void>;
}

/** Opens a file and computes its SHA-256. A pipe with a name is opened at once too, and refused as all that is no file. */
export async function openSource(path: string): Promise<Source> {
  const file = await open(path, O_RDONLY | NONBLOCK);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new CommandFailure(EXIT.failed, 0, `${path} is not a file`);
    const wrong = checkFileSize(info.size);
    if (wrong !== null) throw new CommandFailure(EXIT.failed, wrong.status, wrong.sentence);
    const hash = createHash('sha256');
    const size = await hashFile(file, info.size, hash);
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    return {
      size,
      sha256: hash.digest('hex'),
      // Synchronous, since chunks must leave in their order, and from the page cache that the SHA-256 has just filled.
      read: (offset, length) =>
        readSync(file.fd, buffer, 0, length, offset) === length ? buffer.toString('base64', 0, length) : null,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Copies stdin into a file of its own, since size and SHA-256 must be known before the first byte is sent. Rejects with
 * Interrupted, and leaves no file then.
 */
export async function spoolStdin(io: Io, signal: AbortSignal): Promise<{ path: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'cnapp-'));
  const path = join(folder, 'stdin');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      let bytes = 0;
      for await (const chunk of stdinChunks(io, signal)) {
        bytes += chunk.length;
        if (bytes > FILE_BYTES_MAX) throw new CommandFailure(EXIT.failed, 413, 'stdin holds more than 2 GiB');
        await file.appendFile(chunk);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { path, remove };
}

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
    this.#file = await this.#offered('ENXIO', () => open(this.#target, O_WRONLY | NONBLOCK)); // no reader yet
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

/** Hashes the first `size` bytes; answers how many there were. */
async function hashFile(file: FileHandle, size: number, hash: Hash): Promise<number> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let offset = 0;
  while (offset < size) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, size - offset), offset);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
  return offset;
}
