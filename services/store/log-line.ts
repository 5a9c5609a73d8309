/**
 * One line of the log: how commits become bytes and back. What may not live here: files, and what to do about a line
 * that cannot be read (recover.ts decides).
 *
 * Theory. What is flushed together stands or falls together: all commits of one group commit are one line,
 * `<CRC-32 as 8 hex digits> {"seq":7,"commits":[[change, …], …]}` and LF. A crash can only tear the line that was being
 * flushed, the last one; so a bad line with good ones behind it is damage and not a crash. `seq` counts lines since the
 * store was empty, across all files and owners.
 */

import { crc32 } from 'node:zlib';
import type { Change } from './store.ts';

export interface LogLine {
  readonly seq: number;
  readonly commits: readonly (readonly Change[])[];
}

/** What a log file holds: the good lines from its start, and where that ends. */
export interface ReadLog {
  readonly lines: readonly LogLine[];
  /** Byte offset of the first bad line, or null when all is good. */
  readonly badAt: number | null;
  /** True when a good line stands somewhere behind the bad one. */
  readonly goodBehind: boolean;
}

const LF = 10;
const CHECKSUM_LENGTH = 8;
/** What stands behind the checksum of every line. */
const LINE_START = ' {"seq":';

/** `commits`: each the JSON text of its list of changes (made when it was committed). */
export function encodeLogLine(seq: number, commits: readonly string[]): Buffer {
  const text = `${LINE_START}${seq},"commits":[${commits.join(',')}]}`;
  const bytes = Buffer.allocUnsafe(CHECKSUM_LENGTH + Buffer.byteLength(text) + 1);
  bytes.write(text, CHECKSUM_LENGTH, 'utf8');
  bytes.write(checksumOf(bytes.subarray(CHECKSUM_LENGTH + 1, bytes.length - 1)), 0, 'latin1');
  bytes[bytes.length - 1] = LF;
  return bytes;
}

/** CRC-32 as 8 hex digits; `before` goes on from an earlier piece. */
export function checksumOf(bytes: Uint8Array, before = 0): string {
  return checksumText(crc32(bytes, before));
}

export function checksumText(sum: number): string {
  return sum.toString(16).padStart(CHECKSUM_LENGTH, '0');
}

/** Reads a whole log file. Never throws. */
export function readLog(bytes: Buffer): ReadLog {
  const lines: LogLine[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(LF, from);
    const line = end === -1 ? null : decodeLogLine(bytes.subarray(from, end));
    if (line === null) return { lines, badAt: from, goodBehind: anyGood(bytes, from) };
    lines.push(line);
    from = end + 1;
  }
  return { lines, badAt: null, goodBehind: false };
}

function decodeLogLine(bytes: Buffer): LogLine | null {
  const json = bytes.subarray(CHECKSUM_LENGTH + 1);
  if (json.length === 0 || bytes.toString('latin1', 0, CHECKSUM_LENGTH + 1) !== `${checksumOf(json)} `) return null;
  return JSON.parse(json.toString('utf8')) as LogLine; // the checksum says that we wrote it
}

/**
 * Looks for a good line behind the bad one at `bad`, also in the middle of what looks like one line: it may be a LF
 * that was damaged. No text of a user can look like the start of a line, since its quotes are escaped.
 */
function anyGood(bytes: Buffer, bad: number): boolean {
  for (
    let at = bytes.indexOf(LINE_START, bad + CHECKSUM_LENGTH + 1);
    at !== -1;
    at = bytes.indexOf(LINE_START, at + 1)
  ) {
    const end = bytes.indexOf(LF, at);
    if (end !== -1 && decodeLogLine(bytes.subarray(at - CHECKSUM_LENGTH, end)) !== null) return true;
  }
  return false;
}
