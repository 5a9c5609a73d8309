/**
 * From a folder of segments back to a state.
 *
 * Lives here: which segment to start from, reading its records, telling a torn end from damage, cutting,
 * repair. Does not live here: writing records (journal-file.ts).
 *
 * Three things can be wrong with a line. The last write of a process or machine that died may be torn: its
 * bytes are unsound and nothing sound follows; none of it was acknowledged, so it is cut (a copy stays). A
 * line that is unsound while sound ones follow is damage: what was acknowledged would be lost by going on,
 * so the start is refused and says where, and how to give up what lies behind. And a header may be damaged:
 * the segment before it leads to the same state, since records are numbered without a gap.
 */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { JournalHeader, JournalRecord } from '../machine/journal.ts';
import type { Machine, Stamped } from '../machine/machine.ts';
import { holdsLine, readLine } from './journal-line.ts';
import {
  eachLine,
  isDraft,
  listSegments,
  readHeader,
  syncFolder,
  type JournalFs,
  type Segment,
} from './journal-segments.ts';

export interface RecoveryOptions {
  readonly folder: string;
  /** Step and compare the recorded effects, and the states in the headers on the way (slower). */
  readonly verify?: boolean;
  /** Start from the oldest segment that is kept instead of the newest. */
  readonly fromOldest?: boolean;
  readonly disk?: JournalFs;
}

/** Bytes at the end that are no records. */
export interface TornEnd {
  readonly segment: Segment;
  readonly offset: number;
  readonly bytes: number;
}

export type Recovery<State> =
  | {
      readonly ok: true;
      /** Null for a folder without a journal. */
      readonly state: State | null;
      readonly nextRecord: number;
      /** Records stepped through. */
      readonly replayed: number;
      /** Time of the last input; 0 when there is none. */
      readonly lastAt: number;
      /** The newest segment and its length without a torn end; null for none. */
      readonly newest: { readonly segment: Segment; readonly bytes: number; readonly headerBytes: number } | null;
      readonly torn: TornEnd | null;
      /** Headers that were damaged; the state came from the segment before. */
      readonly warnings: readonly string[];
    }
  | JournalRefusal;

/** Why a journal is not started from: one sentence for people, and the place. */
export interface JournalRefusal {
  readonly ok: false;
  readonly problem: string;
  readonly segment: Segment | null;
  readonly offset: number;
}

/** Reads a journal. Changes nothing on the disk. */
export function recoverJournal<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  options: RecoveryOptions,
): Recovery<State> {
  const disk = options.disk ?? fs;
  const segments = listSegments(disk, options.folder);
  const found = findStart(machine, disk, segments, options.fromOldest === true);
  if (found === null)
    return { ok: true, state: null, nextRecord: 1, replayed: 0, lastAt: 0, newest: null, torn: null, warnings: [] };
  if ('problem' in found) return found;

  const { header, warnings } = found;
  const state = machine.load(header.state);
  let expected = header.firstRecord;
  let lastAt = header.at;
  let torn: TornEnd | null = null;
  let recordsAt = found.recordsAt;
  let bytes = 0;
  const step = (json: string): string | null => {
    const record = options.verify === true ? (JSON.parse(json) as JournalRecord<Input, Effect>) : inputOf<Input>(json);
    if (record.n !== expected) return `record ${expected} is missing; record ${record.n} stands here`;
    const { effects } = machine.step(state, record.in);
    lastAt = record.in.at;
    expected += 1;
    if (options.verify !== true) return null;
    const [then, now] = [JSON.stringify((record as JournalRecord<Input, Effect>).out), JSON.stringify(effects)];
    return now === then ? null : `effects of record ${record.n} differ: recorded ${then}, replayed ${now}`;
  };
  for (let index = found.index; index < segments.length; index += 1) {
    const segment = segments[index] as Segment;
    if (index > found.index) {
      if (segment.firstRecord !== expected)
        return refusal(segment, 0, `records ${expected} to ${segment.firstRecord - 1} are missing before it`);
      const first = afterFirstLine(disk, segment);
      if (first === null) return refusal(segment, 0, DAMAGE);
      recordsAt = first;
      const differs = options.verify === true ? stateDiffers(machine, state, disk, segment) : null;
      if (differs !== null) return { ok: false, segment, offset: 0, problem: differs };
    }
    const end = scanRecords(disk, segment, recordsAt, step);
    if ('problem' in end) return end;
    bytes = end.offset;
    torn = end.torn > 0 ? { segment, offset: end.offset, bytes: end.torn } : null;
  }
  const segment = segments.at(-1) as Segment;
  return {
    ok: true,
    state,
    nextRecord: expected,
    replayed: expected - header.firstRecord,
    lastAt,
    newest: { segment, bytes, headerBytes: recordsAt },
    torn,
    warnings,
  };
}

/** Cuts a torn end off; a copy stays beside the segment, where the disk has room for it. Returns the name of the copy. */
export function cutEnd(disk: JournalFs, folder: string, { segment, offset }: Omit<TornEnd, 'bytes'>): string {
  const name = `${segment.name}.cut-${offset}`;
  const fd = disk.openSync(segment.path, 'r+');
  try {
    try {
      copyFrom(disk, fd, offset, join(folder, name));
    } catch (error) {
      // A full disk tears ends off; that must not keep the next start from cutting them.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      disk.rmSync(join(folder, name), { force: true });
    }
    disk.ftruncateSync(fd, offset);
    disk.fsyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
  syncFolder(disk, folder);
  return name;
}

function copyFrom(disk: JournalFs, fd: number, offset: number, path: string): void {
  const copy = disk.openSync(path, 'w');
  try {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    for (let at = offset; ;) {
      const got = disk.readSync(fd, chunk, 0, chunk.length, at);
      if (got === 0) break;
      disk.writeSync(copy, chunk, 0, got);
      at += got;
    }
    disk.fsyncSync(copy);
  } finally {
    disk.closeSync(copy);
  }
}

/**
 * Gives up everything from `offset` on, in the segment that recovery refuses and in those behind it; copies
 * stay. The offset must be the one recovery names, so that nobody cuts a journal that is sound. Returns a sentence.
 */
export function repairJournal<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  options: RecoveryOptions,
  offset: number,
): { readonly ok: boolean; readonly sentence: string } {
  const disk = options.disk ?? fs;
  const recovery = recoverJournal(machine, options);
  if (recovery.ok) return { ok: false, sentence: 'the journal is sound; nothing was changed' };
  const { segment } = recovery;
  if (segment === null) return { ok: false, sentence: `${recovery.problem}; this cannot be repaired by cutting` };
  if (recovery.offset !== offset)
    return {
      ok: false,
      sentence: `the damage begins at offset ${recovery.offset} of ${segment.name}, not at ${offset}; nothing was changed`,
    };
  const behind = listSegments(disk, options.folder).filter(({ firstRecord }) => firstRecord > segment.firstRecord);
  for (const { path } of behind.reverse()) disk.renameSync(path, `${path}.cut-0`);
  if (offset === 0) disk.renameSync(segment.path, `${segment.path}.cut-0`);
  const kept = offset === 0 ? `${segment.name}.cut-0` : cutEnd(disk, options.folder, { segment, offset });
  syncFolder(disk, options.folder);
  const more = behind.length === 0 ? '' : ` and ${behind.length} segment${behind.length === 1 ? '' : 's'} behind it`;
  return { ok: true, sentence: `${segment.name} was cut at ${offset}; what was there is kept in ${kept}${more}` };
}

/** Removes what a start or a rotation that was cut off left behind. */
export function removeDrafts(disk: JournalFs, folder: string): void {
  for (const name of disk.readdirSync(folder)) if (isDraft(name)) disk.rmSync(join(folder, name), { force: true });
}

const DAMAGE = 'the checksum of a line is wrong and sound lines follow';

interface Start {
  readonly header: JournalHeader;
  readonly index: number;
  readonly recordsAt: number;
  readonly warnings: string[];
}

/** The newest (or oldest) segment with a sound header; null when there is no segment at all. */
function findStart<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  disk: JournalFs,
  segments: readonly Segment[],
  fromOldest: boolean,
): Start | JournalRefusal | null {
  if (segments.length === 0) return null;
  const order = [...segments.keys()];
  if (!fromOldest) order.reverse();
  const warnings: string[] = [];
  for (const index of order) {
    const segment = segments[index] as Segment;
    const read = readHeader(disk, segment);
    if (typeof read === 'string') {
      warnings.push(`the header of ${segment.name} is damaged (${read}); the segment before it is read instead`);
      continue;
    }
    const { header, recordsAt } = read;
    if (header.formatVersion !== 1 || header.machine !== machine.name || header.machineVersion !== machine.version)
      return {
        ok: false,
        segment: null,
        offset: 0,
        problem:
          `${segment.path} is the journal of ${header.machine} version ${header.machineVersion}; ` +
          `this program is ${machine.name} version ${machine.version}: start the version that wrote it, or another --state-dir`,
      };
    return { header, index, recordsAt, warnings };
  }
  const where = segments.map(({ path }) => path).join(', ');
  return { ok: false, segment: null, offset: 0, problem: `no segment of the journal has a sound header: ${where}` };
}

/** Steps through the records from `recordsAt` on; returns where the sound ones end and how many bytes lie behind. */
function scanRecords(
  disk: JournalFs,
  segment: Segment,
  recordsAt: number,
  step: (json: string) => string | null,
): { readonly offset: number; readonly torn: number } | JournalRefusal {
  const seen = { firstBad: -1, problem: null as string | null, at: 0 };
  const stop = (at: number, problem: string): boolean => {
    [seen.at, seen.problem] = [at, problem];
    return false;
  };
  const fd = disk.openSync(segment.path, 'r');
  try {
    const end = eachLine(disk, fd, recordsAt, (bytes, from, lineEnd, at) => {
      const json = readLine(bytes, from, lineEnd);
      if (json === null) {
        if (seen.firstBad === -1) seen.firstBad = at;
        return !holdsLine(bytes, from, lineEnd) || stop(seen.firstBad, DAMAGE);
      }
      if (seen.firstBad !== -1) return stop(seen.firstBad, DAMAGE);
      const problem = step(json);
      return problem === null || stop(at, problem);
    });
    if (seen.problem !== null) return refusal(segment, seen.at, seen.problem);
    const offset = seen.firstBad === -1 ? end : seen.firstBad;
    return { offset, torn: disk.fstatSync(fd).size - offset };
  } finally {
    disk.closeSync(fd);
  }
}

/** Where the records of a segment begin whose header is not needed; null when a record stands on the header's line. */
function afterFirstLine(disk: JournalFs, segment: Segment): number | null {
  const fd = disk.openSync(segment.path, 'r');
  try {
    let after: number | null = 0;
    eachLine(disk, fd, 0, (bytes, from, end) => {
      after = readLine(bytes, from, end) === null && holdsLine(bytes, from, end) ? null : end + 1;
      return false;
    });
    return after;
  } finally {
    disk.closeSync(fd);
  }
}

/** Is the state so far the one that the writer put into the header of this segment? Null when it is, or cannot be read. */
function stateDiffers<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  state: State,
  disk: JournalFs,
  segment: Segment,
): string | null {
  const read = readHeader(disk, segment);
  if (typeof read === 'string') return null;
  const [then, now] = [JSON.stringify(read.header.state), JSON.stringify(machine.save(state))];
  if (then === now) return null;
  let at = 0;
  while (then[at] === now[at]) at += 1;
  const near = (text: string): string => text.slice(Math.max(0, at - 40), at + 40);
  return `the state before record ${segment.firstRecord} differs from ${segment.name}: written …${near(then)}…, replayed …${near(now)}…`;
}

/** Number and input of a record; its effects are not even parsed where the text can be cut safely. */
function inputOf<Input>(json: string): { n: number; in: Input } {
  const cut = json.indexOf(',"out":[');
  if (cut === -1 || json.indexOf(',"out":[', cut + 1) !== -1) return JSON.parse(json) as { n: number; in: Input };
  return JSON.parse(`${json.slice(0, cut)}}`) as { n: number; in: Input };
}

function refusal(segment: Segment, offset: number, problem: string): JournalRefusal {
  return {
    ok: false,
    segment,
    offset,
    problem:
      `${segment.path} is damaged at offset ${offset}: ${problem}. ` +
      `To give up what lies from there on (copies are kept): ssmmp journal repair --at ${offset} ${dirname(segment.path)}`,
  };
}
