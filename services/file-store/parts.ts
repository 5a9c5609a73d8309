/**
 * The bytes of files on disk: parts, written from their start to their end and never changed, each a file of its own in
 * `files/`, named by the epoch of the owner who wrote it and a number. What may not live here: who owns which part.
 *
 * Theory. An owner writes only files named by its epoch (R50). So an upload that an earlier owner began goes on in a new
 * part, and whatever the earlier one still writes behind what was found is nobody's. Names of users never become names
 * of files. Reading opens a file once and keeps a few open; all of it is done by the thread pool, no request waits for
 * another one's disk.
 */

import { close, fdatasync, open, promises, read, readdirSync, writev } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkDiskFault, makeFolder, syncFolder } from '../store/disk.ts';

/** Some bytes of a file: all of one part. `bytes` null: still being written, as long as the file is. */
export interface Part {
  readonly file: string;
  readonly bytes: number | null;
}

/** Files kept open for reading. */
export const OPEN_FILES_MAX = 32;

const PART_NAME = /^part-[0-9]+-[0-9]+$/;
const FILE_MODE = 0o600;

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fdatasync);

/** A part that is being written. */
export interface PartWriter {
  /** Adds to the end; rejects when the disk refuses, and then any part of the bytes may be there. */
  write(pieces: readonly Buffer[], at: number): Promise<void>;
  /** Everything written so far is on disk when this resolves, and so is the file's name. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface OpenFile {
  readonly fd: Promise<number>;
  readers: number;
  dropped: boolean;
}

export class Parts {
  readonly #folder: string;
  readonly #epoch: number;
  #number = 0;
  /** Least recently used first. */
  readonly #open = new Map<string, OpenFile>();

  constructor(folder: string, epoch: number) {
    this.#folder = folder;
    this.#epoch = epoch;
    makeFolder(folder);
  }

  /** A name that no part has. */
  newName(): string {
    this.#number += 1;
    return `part-${this.#epoch}-${this.#number}`;
  }

  isOwn(file: string): boolean {
    return file.startsWith(`part-${this.#epoch}-`);
  }

  list(): string[] {
    return readdirSync(this.#folder).filter((name) => PART_NAME.test(name));
  }

  /** How long a part is on disk; 0 when it was never written. */
  async length(file: string): Promise<number> {
    try {
      return (await promises.stat(join(this.#folder, file))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  /** For a part that was never written; one at a time. */
  async writer(file: string): Promise<PartWriter> {
    const fd = await openFile(join(this.#folder, file), 'w', FILE_MODE);
    let named = false;
    return {
      write: async (pieces, at) => {
        checkDiskFault(dirname(this.#folder));
        await writeAll(fd, pieces, at);
      },
      sync: async () => {
        await syncFile(fd);
        if (!named) syncFolder(this.#folder);
        named = true;
      },
      close: () => closeFile(fd),
    };
  }

  /** Flushes a part that nobody writes any more; nothing to do when it was never written. */
  async sync(file: string): Promise<void> {
    const fd = await openFile(join(this.#folder, file), 'r');
    try {
      await syncFile(fd);
    } finally {
      await closeFile(fd);
    }
  }

  /** `length` bytes of a part from `at` on; fewer when it ends before. Rejects with ENOENT when it is gone. */
  async read(file: string, at: number, length: number): Promise<Buffer> {
    const opened = this.#opened(file);
    opened.readers += 1;
    try {
      return await readFrom(await opened.fd, at, length);
    } finally {
      opened.readers -= 1;
      this.#closeIfDone(opened);
    }
  }

  /** Takes a part away; readers that are in the middle of it finish. No error when there is none. */
  async remove(file: string): Promise<void> {
    this.#drop(file);
    await promises.rm(join(this.#folder, file), { force: true });
  }

  closeAll(): void {
    for (const file of [...this.#open.keys()]) this.#drop(file);
  }

  #opened(file: string): OpenFile {
    let opened = this.#open.get(file);
    this.#open.delete(file);
    if (opened === undefined) {
      const made: OpenFile = { fd: openFile(join(this.#folder, file), 'r'), readers: 0, dropped: false };
      made.fd.catch(() => this.#open.get(file) === made && this.#open.delete(file));
      opened = made;
    }
    this.#open.set(file, opened);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= OPEN_FILES_MAX) break;
      this.#drop(oldest);
    }
    return opened;
  }

  #drop(file: string): void {
    const opened = this.#open.get(file);
    if (opened === undefined) return;
    this.#open.delete(file);
    opened.dropped = true;
    this.#closeIfDone(opened);
  }

  #closeIfDone(opened: OpenFile): void {
    if (!opened.dropped || opened.readers > 0) return;
    opened.fd.then(closeFile).catch(() => {}); // it was open for reading only, or could not be opened: nothing to lose
  }
}

async function writeAll(fd: number, pieces: readonly Buffer[], at: number): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const written = await new Promise<number>((resolve, reject) => {
    writev(fd, pieces, at, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });
  if (written === total) return;
  const rest = Buffer.concat(pieces).subarray(written); // a short write: the disk is nearly full; the next one says so
  if (written === 0) throw Object.assign(new Error('nothing could be written'), { code: 'ENOSPC' });
  await writeAll(fd, [rest], at + written);
}

function readFrom(fd: number, at: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(fd, Buffer.allocUnsafe(length), 0, length, at, (error, bytes, buffer) => {
      if (error === null) resolve(bytes === length ? buffer : buffer.subarray(0, bytes));
      else reject(error);
    });
  });
}
