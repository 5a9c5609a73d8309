/**
 * Looking at a journal that nobody writes: is it sound, does it replay, what was the state at some record?
 *
 * Lives here: check, replay, travel, for the journal of any machine. Does not live here: words for people (operator/), reading
 * a journal for a start (journal-recovery.ts), repair (there too). Nothing here changes the disk.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord } from '../machine/journal.ts';
import type { Machine, Stamped } from '../machine/machine.ts';
import { readLine } from './journal-line.ts';
import { recoverJournal, type RecoveryOptions } from './journal-recovery.ts';
import { eachLine, listSegments, readHeader, type JournalFs, type Segment } from './journal-segments.ts';

/** Digits of a state's hash: enough to tell two states apart, few enough to read aloud. */
const HASH_DIGITS = 16;

/** The hash of a state: the same for the same state, on any machine. */
export function stateHash<State>(machine: Pick<Machine<State, never, never>, 'save'>, state: State): string {
  return createHash('sha256')
    .update(JSON.stringify(machine.save(state)))
    .digest('hex')
    .slice(0, HASH_DIGITS);
}

/** The journal folder that a path means: itself, or `journal` in it; null when neither holds a segment. */
export function findJournal(path: string): string | null {
  for (const folder of [path, join(path, 'journal')])
    if (fs.existsSync(folder) && fs.statSync(folder).isDirectory() && listSegments(fs, folder).length > 0)
      return folder;
  return null;
}

/** What a journal holds. */
export interface JournalSummary {
  readonly segments: number;
  readonly bytes: number;
  readonly firstRecord: number;
  readonly lastRecord: number;
  /** Time of the last input, ISO 8601. */
  readonly lastAt: string;
}

export type Checked =
  | {
      readonly ok: true;
      readonly summary: JournalSummary;
      /** Records that a start steps through. */
      readonly replayed: number;
      readonly torn: { readonly segment: string; readonly offset: number; readonly bytes: number } | null;
      readonly warnings: readonly string[];
      /** What is wrong with the older segments, which a start does not read; null for nothing. */
      readonly history: string | null;
    }
  | { readonly ok: false; readonly problem: string; readonly segment: string | null; readonly offset: number };

/** Reads the journal as a start does, and its older segments too. */
export function checkJournal<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  options: Pick<RecoveryOptions, 'folder' | 'disk'>,
): Checked {
  const disk = options.disk ?? fs;
  const found = recoverJournal(machine, options);
  if (!found.ok)
    return { ok: false, problem: found.problem, segment: found.segment?.name ?? null, offset: found.offset };
  const segments = listSegments(disk, options.folder);
  const all = recoverJournal(machine, { ...options, fromOldest: true });
  return {
    ok: true,
    summary: summaryOf(disk, segments, found.nextRecord - 1, found.lastAt),
    replayed: found.replayed,
    torn: found.torn === null ? null : { ...found.torn, segment: found.torn.segment.name },
    warnings: found.warnings,
    history: all.ok ? null : all.problem,
  };
}

export type Replayed =
  | { readonly ok: true; readonly records: number; readonly summary: JournalSummary; readonly stateHash: string }
  | { readonly ok: false; readonly problem: string };

/**
 * Steps through every record that is kept, from the oldest on. Effects must be the recorded ones to the letter, and the
 * state at the start of each segment the one its header holds.
 */
export function replayJournal<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  options: Pick<RecoveryOptions, 'folder' | 'disk'>,
): Replayed {
  const disk = options.disk ?? fs;
  const all = recoverJournal(machine, { ...options, fromOldest: true, verify: true });
  if (!all.ok) return { ok: false, problem: all.problem };
  if (all.state === null) return { ok: false, problem: `${options.folder} holds no journal` };
  const summary = summaryOf(disk, listSegments(disk, options.folder), all.nextRecord - 1, all.lastAt);
  return { ok: true, records: all.replayed, summary, stateHash: stateHash(machine, all.state) };
}

export type Travelled<State, Input, Effect> =
  | {
      readonly ok: true;
      readonly state: State;
      /** The record at which it stopped; null when that is the state a segment begins with. */
      readonly record: JournalRecord<Input, Effect> | null;
    }
  | { readonly ok: false; readonly problem: string };

/** The state just after record `n`. */
export function travelTo<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  options: Pick<RecoveryOptions, 'folder' | 'disk'>,
  n: number,
): Travelled<State, Input, Effect> {
  const disk = options.disk ?? fs;
  const segments = listSegments(disk, options.folder);
  const segment = segments.findLast(({ firstRecord }) => firstRecord <= n);
  if (segment === undefined) {
    const first = segments[0]?.firstRecord;
    return {
      ok: false,
      problem: first === undefined ? 'there is no journal' : `the journal begins at record ${first}`,
    };
  }
  const read = readHeader(disk, segment);
  if (typeof read === 'string') return { ok: false, problem: `${segment.path}: ${read}` };
  const { header, recordsAt } = read;
  if (header.machine !== machine.name || header.machineVersion !== machine.version)
    return { ok: false, problem: `${segment.path} is of ${header.machine} version ${header.machineVersion}` };
  const state = machine.load(header.state);
  let last: JournalRecord<Input, Effect> | null = null;
  let problem: string | null = null;
  const fd = disk.openSync(segment.path, 'r');
  try {
    eachLine(disk, fd, recordsAt, (bytes, from, end, at) => {
      const json = readLine(bytes, from, end);
      if (json === null) {
        problem = `${segment.path} is damaged at offset ${at}`;
        return false;
      }
      const record = JSON.parse(json) as JournalRecord<Input, Effect>;
      machine.step(state, record.in);
      last = record;
      return record.n < n;
    });
  } finally {
    disk.closeSync(fd);
  }
  if (problem !== null) return { ok: false, problem };
  const reached = (last as JournalRecord<Input, Effect> | null)?.n ?? header.firstRecord - 1;
  if (reached < n) return { ok: false, problem: `the journal ends at record ${reached}` };
  return { ok: true, state, record: last };
}

function summaryOf(disk: JournalFs, segments: readonly Segment[], lastRecord: number, lastAt: number): JournalSummary {
  let bytes = 0;
  for (const { path } of segments) bytes += disk.statSync(path).size;
  return {
    segments: segments.length,
    bytes,
    firstRecord: segments[0]?.firstRecord ?? 1,
    lastRecord,
    lastAt: new Date(lastAt).toISOString(),
  };
}
