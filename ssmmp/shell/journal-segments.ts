/**
 * The files of a journal folder.
 *
 * Lives here: names, listing, reading by chunks, the head of a segment. Does not live here: what the records
 * mean, recovery (journal-recovery.ts), writing (journal-file.ts).
 *
 * A journal is a chain of segments. `journal-<number of its first record>.jsonl` opens with a header that holds
 * the state before that record, so any segment is a place to start from, and those before it are history. A
 * segment is born complete: written under another name, flushed, renamed.
 */
import type fs from 'node:fs';
import { join } from 'node:path';
import type { JournalHeader } from '../machine/journal.ts';
import { readLine } from './journal-line.ts';

/** What a journal needs of node:fs; tests hand in disks that fail. */
export type JournalFs = Pick<
  typeof fs,
  | 'closeSync'
  | 'copyFileSync'
  | 'fdatasync'
  | 'fstatSync'
  | 'fsync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readSync'
  | 'readdirSync'
  | 'renameSync'
  | 'rmSync'
  | 'statSync'
  | 'writeSync'
>;

/** Read at once. */
export const CHUNK_BYTES = 1024 * 1024;
/** Of a segment's head only so much is read to learn its number, time and mark; a longer mark counts as none. */
export const HEAD_BYTES_MAX = 1024 * 1024;
const HEAD_BYTES_USUAL = 16 * 1024;
const NAME = /^journal-(\d{16})\.jsonl$/;
const LF = 10;

export interface Segment {
  readonly path: string;
  readonly name: string;
  readonly firstRecord: number;
}

/** A segment as a reader of the history sees it. */
export interface SegmentHead {
  readonly firstRecord: number;
  /** Time of the last input before it; null where the head cannot be read. */
  readonly at: number | null;
  readonly mark: unknown;
}

export function segmentName(firstRecord: number): string {
  return `journal-${String(firstRecord).padStart(16, '0')}.jsonl`;
}

/** The segments of a folder, oldest first. */
export function listSegments(disk: JournalFs, folder: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of disk.readdirSync(folder)) {
    const digits = NAME.exec(name)?.[1];
    if (digits !== undefined) segments.push({ path: join(folder, name), name, firstRecord: Number(digits) });
  }
  return segments.sort((a, b) => a.firstRecord - b.firstRecord);
}

/** Is this file name a segment that was never finished? */
export function isDraft(name: string): boolean {
  return name.startsWith('journal-') && name.endsWith('.tmp');
}

/**
 * Calls `visit` for each piece of the file that ends with LF, from `offset` on; `end` excludes the LF. Returns
 * where the last LF left off: bytes behind that are no line yet. `visit` stops it by returning false.
 */
export function eachLine(
  disk: JournalFs,
  fd: number,
  offset: number,
  visit: (bytes: Buffer, from: number, end: number, at: number) => boolean,
): number {
  const bytes = disk.fstatSync(fd).size - offset;
  let chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, bytes)));
  let held = 0;
  let at = offset;
  for (;;) {
    if (held === chunk.length) {
      const larger = Buffer.allocUnsafe(2 * chunk.length);
      chunk.copy(larger);
      chunk = larger;
    }
    const got = disk.readSync(fd, chunk, held, chunk.length - held, at + held);
    if (got === 0) return at;
    const filled = held + got;
    let from = 0;
    for (let end = chunk.indexOf(LF, held); end !== -1 && end < filled; end = chunk.indexOf(LF, from)) {
      if (!visit(chunk, from, end, at + from)) return at + from;
      from = end + 1;
    }
    chunk.copyWithin(0, from, filled);
    held = filled - from;
    at += from;
  }
}

/** The header of a segment with its state and where its records begin; a sentence when it is not sound. */
export function readHeader(disk: JournalFs, segment: Segment): { header: JournalHeader; recordsAt: number } | string {
  const fd = disk.openSync(segment.path, 'r');
  try {
    let json: string | null = null;
    let recordsAt = 0;
    eachLine(disk, fd, 0, (bytes, from, end) => {
      json = readLine(bytes, from, end);
      recordsAt = end + 1;
      return false;
    });
    if (recordsAt === 0) return 'its first line is not complete';
    if (json === null) return 'the checksum of its first line is wrong';
    const header = JSON.parse(json) as JournalHeader;
    if (header.format !== 'ssmmp-journal') return 'its first line is no header of a journal';
    if (header.firstRecord !== segment.firstRecord) return `it says that it begins at record ${header.firstRecord}`;
    return { header, recordsAt };
  } finally {
    disk.closeSync(fd);
  }
}

/** What a reader of the history needs of a header, without the state behind it. */
export function readHead(disk: JournalFs, segment: Segment): SegmentHead {
  const unknown: SegmentHead = { firstRecord: segment.firstRecord, at: null, mark: null };
  const fd = disk.openSync(segment.path, 'r');
  try {
    for (let bytes = HEAD_BYTES_USUAL; bytes <= HEAD_BYTES_MAX; bytes *= 4) {
      const start = Buffer.allocUnsafe(bytes);
      const text = start.toString('latin1', 0, disk.readSync(fd, start, 0, bytes, 0));
      const state = text.indexOf(',"state":');
      if (state === -1) continue;
      const { at, mark } = JSON.parse(`${text.slice(text.indexOf('{'), state)}}`) as Partial<JournalHeader>;
      return { firstRecord: segment.firstRecord, at: typeof at === 'number' ? at : null, mark: mark ?? null };
    }
    return unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return unknown;
    throw error;
  } finally {
    disk.closeSync(fd);
  }
}

/** Makes names in a folder durable. Windows has no such thing. */
export function syncFolder(disk: JournalFs, folder: string): void {
  if (process.platform === 'win32') return;
  const fd = disk.openSync(folder, 'r');
  try {
    disk.fsyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
}
