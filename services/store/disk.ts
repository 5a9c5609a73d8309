/**
 * The few things a store does with files, in one place: everything else in this folder goes through `Disk`, so that
 * tests can put a disk in its place that is full, that fails, or that loses what was not flushed.
 *
 * Theory. Three promises of a file system are used and no others. What was written and then fsynced is there after a
 * crash. A rename puts the new file in the old one's place at once, and is itself there after a crash when its folder
 * was fsynced. And a file that is created exclusively is created by one process only.
 *
 * A file `disk-full` in the folder makes the disk full on demand (`ssmmp fault fill-disk`).
 */

import {
  promises,
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  ftruncateSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkDiskFault } from '../../ssmmp/shell/disk-fault.ts';

export { checkDiskFault };

/** A file that only grows. One append at a time. */
export interface AppendFile {
  /** Writes and flushes (fdatasync). Rejects when either fails; then any part of the bytes may be in the file. */
  append(bytes: Uint8Array): Promise<void>;
  /** Cuts what a failed append left; throws when that fails too. */
  cut(lengthBytes: number): void;
  close(): void;
}

/** One folder. Names are plain file names. */
export interface Disk {
  /** Where it is, for sentences. */
  readonly folder: string;
  list(): string[];
  /** Throws ENOENT when there is no such file. */
  read(name: string): Promise<Buffer>;
  /** Makes an empty file that every process sees from now on; throws EEXIST when there is one. */
  createExclusive(name: string): void;
  /** Makes an empty file, or empties one, that is there after a crash. */
  openAppend(name: string): AppendFile;
  /** Writes a whole file so that there is the old one or the new one at any moment, and the new one afterwards. */
  replace(name: string, pieces: Iterable<Uint8Array>): Promise<void>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
}

/** Data of a store is nobody else's: password hashes and the signing key are in it. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const TEMPORARY = '.tmp';

/** The folder is made when it is missing. */
export function openDisk(folder: string): Disk {
  makeFolder(folder);
  return new NodeDisk(folder);
}

/** Makes a folder and those above it where they are missing, so that they are there after a crash. */
export function makeFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: FOLDER_MODE }); // the topmost one that was missing
  if (made === undefined) return;
  for (let above = dirname(resolve(folder)); ; above = dirname(above)) {
    syncFolder(above);
    if (above === dirname(resolve(made))) return;
  }
}

/** Flushes a folder's list of files. Windows has no such call and does it by itself. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

class NodeDisk implements Disk {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  list(): string[] {
    return readdirSync(this.folder);
  }

  read(name: string): Promise<Buffer> {
    return promises.readFile(join(this.folder, name));
  }

  createExclusive(name: string): void {
    checkDiskFault(this.folder);
    closeSync(openSync(join(this.folder, name), 'wx', FILE_MODE));
  }

  openAppend(name: string): AppendFile {
    checkDiskFault(this.folder);
    const fd = openSync(join(this.folder, name), 'w', FILE_MODE);
    syncFolder(this.folder);
    return new NodeAppendFile(fd, this.folder);
  }

  async replace(name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const temporary = join(this.folder, name + TEMPORARY);
    try {
      checkDiskFault(this.folder);
      const file = await promises.open(temporary, 'w', FILE_MODE);
      try {
        for (const piece of pieces) await file.writeFile(piece); // each write starts where the last one ended
        await file.sync();
      } finally {
        await file.close();
      }
      await promises.rename(temporary, join(this.folder, name));
    } catch (error) {
      await promises.rm(temporary, { force: true }); // on a full disk it takes the room of what matters
      throw error;
    }
    syncFolder(this.folder);
  }

  async remove(name: string): Promise<void> {
    await promises.rm(join(this.folder, name), { force: true });
  }
}

class NodeAppendFile implements AppendFile {
  readonly #fd: number;
  readonly #folder: string;
  #length = 0;

  constructor(fd: number, folder: string) {
    this.#fd = fd;
    this.#folder = folder;
  }

  append(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      try {
        checkDiskFault(this.#folder);
        // Into the page cache, some microseconds: a turn through the thread pool costs more than the write.
        for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at, bytes.length - at, this.#length + at);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      fdatasync(this.#fd, (error) => {
        if (error !== null) return reject(error);
        this.#length += bytes.length;
        resolve();
      });
    });
  }

  cut(lengthBytes: number): void {
    ftruncateSync(this.#fd, lengthBytes);
    this.#length = lengthBytes;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
