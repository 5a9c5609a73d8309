/**
 * Journals as files, for lab 6: the student's copy, and the same one cut or with a bit flipped.
 *
 * Lives here: reading, damaging, asking the recovery what it makes of it. Does not live here: what a student wrote (check.ts).
 * The recovery is the one a Manager starts with; its machine remembers nothing, since only the reading is wanted.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, Stamped } from '../../ssmmp/machine/machine.ts';
import { readHistory } from '../../ssmmp/shell/journal-history.ts';
import { recoverJournal } from '../../ssmmp/shell/journal-recovery.ts';
import type { Recovery } from '../../ssmmp/shell/journal-recovery.ts';
import { expectThat, Unmet } from '../runner/api.ts';
import type { Evidence, JournalRecord, LabEvent, Work } from '../runner/api.ts';

const SEGMENT = /^journal-\d{16}\.jsonl$/;
const LF = 10;
/** How folders begin in which a start keeps what stood in the journal's place. */
export const ASIDE = 'journal.lost-';

/** The newest segment of a folder. */
export interface Segment {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Null where the folder holds none. */
export function newestSegment(folder: string): Segment | null {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => SEGMENT.test(name)) : [];
  const name = names.sort().at(-1);
  return name === undefined ? null : { name, bytes: readFileSync(join(folder, name)) };
}

/** The copy that the student made in step 5. Throws Unmet where it is none of the student's own journal. */
export function copyOf(work: Work): Segment {
  const copy = newestSegment(work.path('before'));
  if (copy === null)
    throw new Unmet({ expected: 'before/: a copy of your journal, made in step 5', came: 'no journal there' });
  const own = work.path(join('.ssmmp', 'journal', copy.name));
  const isOwn = existsSync(own) && readFileSync(own).subarray(0, copy.bytes.length).equals(copy.bytes);
  expectThat(isOwn, {
    expected: 'before/ is a copy of the journal of your own cluster, and your cluster went on from there',
    came: `before/${copy.name} is not how .ssmmp/journal/${copy.name} begins`,
    remark:
      'The journal that counts is never damaged in this lab: work on copies, and let the mirror bring it back in step 6.',
  });
  return copy;
}

/** Where the line of this byte begins, and where its LF is. */
export function lineAround({ bytes }: Segment, at: number): { readonly from: number; readonly end: number } {
  return { from: at === 0 ? 0 : bytes.lastIndexOf(LF, at - 1) + 1, end: bytes.indexOf(LF, at) };
}

/** Complete lines in front of a byte; the first one is the header. */
export function linesBefore({ bytes }: Segment, offset: number): number {
  return bytes.subarray(0, offset).filter((byte) => byte === LF).length;
}

/** A byte behind the header and the first record, and not behind the end. Throws Unmet where it is none. */
export function expectBehindRecord(copy: Segment, name: string, at: number): void {
  const isThere = Number.isSafeInteger(at) && at < copy.bytes.length && linesBefore(copy, at) > 1;
  expectThat(isThere, {
    expected: `${name}: a byte of before/${copy.name} (${copy.bytes.length} bytes) with some records in front of it`,
    came: `${at}`,
    remark: 'The first line is the header.',
  });
}

/** What a start says to this segment instead of the copy. The folder is left for `ssmmp journal`. */
export function started(folder: string, { name }: Segment, bytes: Buffer): Recovery<null> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
  return recoverJournal(machineOf(bytes), { folder });
}

/**
 * What the student's own cluster left, with what a journal holds that was put aside: a mirror keeps two segments, so a journal that
 * came back from it has no older history.
 */
export function historyOf(work: Work): Promise<Evidence> {
  return work.once('history', async (all) => {
    const evidence = await all.evidence();
    const aside = readdirSync(evidence.stateDir).filter((name) => name.startsWith(ASIDE));
    const records = new Map(evidence.journal.map((record) => [record.n, record]));
    for (const name of aside)
      for (const record of await recordsIn(join(evidence.stateDir, name)))
        if (!records.has(record.n)) records.set(record.n, record);
    const journal = [...records.values()].sort((a, b) => a.n - b.n);
    return { ...evidence, journal, events: eventsOf(journal) };
  });
}

/** The events of records. */
export function eventsOf(records: readonly JournalRecord[]): LabEvent[] {
  return records.flatMap(({ in: { at }, out }) =>
    out.flatMap(({ kind, event }) => (kind === 'event' ? [{ ...(event as Omit<LabEvent, 'at'>), at }] : [])),
  );
}

/** The records of a journal that is not the cluster's own, or no more; a line that is not sound is passed over. */
export async function recordsIn(folder: string): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  if (newestSegment(folder) === null) return all;
  for await (const { records } of readHistory({ folder }))
    for (const json of records) all.push(JSON.parse(json) as JournalRecord);
  return all;
}

/** Name and version of whose journal it is; the recovery compares them. */
function machineOf(bytes: Buffer): Machine<null, Stamped, never> {
  const header = bytes.toString('latin1', 0, bytes.indexOf(LF));
  return {
    name: /"machine":"(\w+)"/.exec(header)?.[1] ?? '',
    version: Number(/"machineVersion":(\d+)/.exec(header)?.[1] ?? 0),
    step: () => ({ effects: [], flush: false }),
    nextDeadline: () => null,
    save: () => null,
    load: () => null,
  };
}
