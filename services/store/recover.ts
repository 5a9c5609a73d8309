/**
 * What a store finds on disk when it starts: which files count, in which order, up to where. It reads only.
 *
 * Theory. Files carry in their names who wrote them and where they stand: `data-<epoch>-<seq>.json` is everything up to
 * line seq, `log-<epoch>-<first>.jsonl` are the lines from `first` on. A new owner, or the same one after a failed
 * write, goes on in a new log file; so what an earlier file holds from there on was never acknowledged (a torn line, or
 * the late words of an owner that had lost its claim), and is passed over. For the same reason a data file that reaches
 * into a later owner's log is not believed. What is left must be without a gap: a line that cannot be read is a torn
 * end when nothing readable stands behind it, and damage otherwise. Damage is told with its place and never repaired
 * by guessing.
 */

import { readDataFile, type DataFile } from './data-file.ts';
import type { Disk } from './disk.ts';
import { readLog } from './log-line.ts';
import { StoreError } from './store.ts';
import { TableSet } from './tables.ts';

export interface Recovered {
  readonly tables: TableSet;
  /** The last line that counts. */
  readonly seq: number;
  readonly dataBytes: number;
  readonly logBytes: number;
  /** A sentence when a torn end was passed over. */
  readonly torn: string | null;
}

interface LogFile {
  readonly name: string;
  readonly epoch: number;
  readonly first: number;
}

interface DataName {
  readonly name: string;
  readonly epoch: number;
  readonly seq: number;
}

/** Files that are listed and then gone, before that is an error. */
const TRIES_MAX = 5;
const LOG_NAME = /^log-([1-9][0-9]*)-([1-9][0-9]*)\.jsonl$/;
const DATA_NAME = /^data-([1-9][0-9]*)-([0-9]+)\.json$/;

export function logFileName(epoch: number, first: number): string {
  return `log-${epoch}-${first}.jsonl`;
}

/** Files that are in the way of nobody once `data-<epoch>-<seq>.json` is on disk: everything that led to it. */
export function supersededBy(names: readonly string[], data: DataFile): string[] {
  return names.filter((name) => {
    const log = logFile(name);
    if (log !== null) return log.epoch < data.epoch || (log.epoch === data.epoch && log.first <= data.seq);
    const other = dataName(name);
    if (other !== null) return other.epoch < data.epoch || (other.epoch === data.epoch && other.seq < data.seq);
    return /^data-.*\.tmp$/.test(name);
  });
}

/** Rejects with StoreError `corrupt` and a sentence that names file, offset and what to do. */
export async function recover(disk: Disk): Promise<Recovered> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await recoverOnce(disk);
    } catch (error) {
      // A former owner that does not know yet that he is one folds his log and removes it: then there is a data file now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tried === TRIES_MAX) throw error;
    }
  }
}

async function recoverOnce(disk: Disk): Promise<Recovered> {
  const tables = new TableSet();
  const names = disk.list();
  const allLogs = names.map(logFile).filter((log) => log !== null);
  const newest = newestData(names, allLogs);
  let dataBytes = 0;
  if (newest !== null) {
    const read = await readDataFile(disk, newest.name);
    tables.load(read.data.tables);
    dataBytes = read.bytes;
  }
  let seq = newest?.seq ?? 0;
  let logBytes = 0;
  let torn: string | null = null;
  const logs = allLogs.filter((log) => log.epoch >= (newest?.epoch ?? 0));
  logs.sort((a, b) => a.epoch - b.epoch || a.first - b.first);
  for (const [at, log] of logs.entries()) {
    const last = Math.min(...logs.slice(at + 1).map((later) => later.first)) - 1; // Infinity for the last file
    if (last <= seq) continue;
    const bytes = await disk.read(log.name);
    const read = readLog(bytes);
    logBytes += bytes.length;
    for (const line of read.lines) {
      if (line.seq > last) break;
      if (line.seq <= seq) continue;
      if (line.seq !== seq + 1) throw gap(disk, log.name, seq + 1, `line ${line.seq} follows`);
      for (const changes of line.commits) tables.apply(changes);
      seq = line.seq;
    }
    if (last !== Infinity && seq < last) throw gap(disk, log.name, seq + 1, describeBad(read.badAt));
    if (read.badAt === null || last !== Infinity) continue;
    if (read.goodBehind) throw damaged(disk, log.name, read.badAt);
    torn = `${log.name}: ${bytes.length - read.badAt} bytes from offset ${read.badAt} on were never acknowledged; left out`;
  }
  return { tables, seq, dataBytes, logBytes, torn };
}

/** The newest data file that no later owner's log contradicts; null: begin at line 1 (a gap will show if that is wrong). */
function newestData(names: readonly string[], logs: readonly LogFile[]): DataName | null {
  const all = names.map(dataName).filter((data) => data !== null);
  all.sort((a, b) => b.epoch - a.epoch || b.seq - a.seq);
  return all.find((data) => !logs.some((log) => log.epoch > data.epoch && log.first <= data.seq)) ?? null;
}

function logFile(name: string): LogFile | null {
  const match = LOG_NAME.exec(name);
  return match === null ? null : { name, epoch: Number(match[1]), first: Number(match[2]) };
}

function dataName(name: string): DataName | null {
  const match = DATA_NAME.exec(name);
  return match === null ? null : { name, epoch: Number(match[1]), seq: Number(match[2]) };
}

function describeBad(badAt: number | null): string {
  return badAt === null ? 'the file ends' : `what stands at offset ${badAt} cannot be read`;
}

function gap(disk: Disk, name: string, seq: number, found: string): StoreError {
  return new StoreError(
    'corrupt',
    `${disk.folder}: ${name} should hold line ${seq}, but ${found}. Acknowledged data would be lost: put a copy of the ` +
      'folder in its place; the store does not guess.',
  );
}

function damaged(disk: Disk, name: string, offset: number): StoreError {
  return new StoreError(
    'corrupt',
    `${disk.folder}: ${name} is damaged at offset ${offset}: the line there fails its checksum, and good lines follow. ` +
      `Put a copy of the folder in its place, or give up what follows by cutting the file to its first ${offset} bytes.`,
  );
}
