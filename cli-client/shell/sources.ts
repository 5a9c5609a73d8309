/**
 * What is sent: a file, its size, its SHA-256 and its bytes; stdin becomes one first.
 *
 * Lives here: reading. Does not live here: where a fetched file goes (sinks.ts), connections.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { constants, mkdtempSync, readSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE_BYTES_MAX, checkFileSize } from '../../services/protocols/user.ts';
import { CommandFailure, EXIT } from '../core/exit.ts';
import type { Io } from './io.ts';
import { stdinChunks } from './prompt.ts';

/** An open or a write that waits does so in a thread, which neither Ctrl-C nor the end of the process can end. Not on Windows. */
export const NONBLOCK = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;
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
  const file = await open(path, constants.O_RDONLY | NONBLOCK);
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

/** Hashes the first `size` bytes; answers how many there were. */
export async function hashFile(file: FileHandle, size: number, hash: Hash): Promise<number> {
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
