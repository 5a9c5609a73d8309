/**
 * A journal and its mirror, a second folder that follows the first: which of the two goes ahead, and putting the mirror in the
 * journal's place.
 *
 * Lives here: comparing and restoring, for whoever owns the journal, at a start. Does not live here: keeping the mirror
 * (journal-follower.ts, run by the supervisor), recovery of a state from the chosen one (journal-recovery.ts).
 *
 * Theory. Which of two goes ahead: one that continues the other, else the higher epoch, then the higher record. The epoch stands
 * in the mark of each header (`epoch`) and in the input that begins one (`…_started` with an `epoch`). The mirror may lack the
 * last moments, so whoever starts from it leaves a gap in its ids (R51).
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord } from '../machine/journal.ts';
import type { Stamped } from '../machine/machine.ts';
import { readLine } from './journal-line.ts';
import { eachLine, listSegments, readHead, syncFolder, type Segment } from './journal-segments.ts';

/** How far a journal goes. */
export interface JournalRank {
  readonly epoch: number;
  readonly lastRecord: number;
}

/** In the text of every record whose input begins an epoch. */
const BEGINS_EPOCH = '_started"';
/** So much before the end is compared to see that a copy is one. */
const COMPARED_BYTES = 4096;

/** How far the journal of a folder goes; null where there is none that can be read. */
export function journalRank(folder: string): JournalRank | null {
  const segment = segmentsOf(folder).at(-1);
  if (segment === undefined) return null;
  let epoch = epochOf(readHead(fs, segment).mark);
  let lastRecord = segment.firstRecord - 1;
  const fd = fs.openSync(segment.path, 'r');
  try {
    let isHeader = true;
    eachLine(fs, fd, 0, (bytes, from, end) => {
      if (!isHeader) {
        const json = readLine(bytes, from, end);
        if (json === null) return false;
        lastRecord += 1;
        if (json.includes(BEGINS_EPOCH)) epoch = Math.max(epoch, epochOf((JSON.parse(json) as StartRecord).in));
      }
      isHeader = false;
      return true;
    });
  } finally {
    fs.closeSync(fd);
  }
  return { epoch, lastRecord };
}

/** Which of a journal and its mirror a start begins from. */
export function chooseJournal(folder: string, mirror: string): 'journal' | 'mirror' {
  const copy = segmentsOf(mirror).at(-1);
  if (copy === undefined) return 'journal';
  const own = segmentsOf(folder);
  // The usual case, without reading either: the journal goes on where its mirror ends.
  if (own.some(({ name, path }) => name === copy.name && continues(path, copy.path))) return 'journal';
  const [ours, theirs] = [journalRank(folder), journalRank(mirror)];
  if (theirs === null) return 'journal';
  return ours !== null && isAhead(ours, theirs) ? 'journal' : 'mirror';
}

/**
 * Puts the mirror in the journal's place: copied whole beside it, then renamed. What was there is kept. Returns where,
 * or null where nothing was.
 */
export function restoreJournal(folder: string, mirror: string): string | null {
  const draft = `${folder}.restoring`;
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true, mode: 0o700 });
  for (const { name, path } of segmentsOf(mirror)) {
    fs.copyFileSync(path, join(draft, name));
    const fd = fs.openSync(join(draft, name), 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
  syncFolder(fs, draft);
  const aside = fs.existsSync(folder) ? freeName(`${folder}.lost`) : null;
  if (aside !== null) fs.renameSync(folder, aside);
  fs.renameSync(draft, folder);
  return aside;
}

/** Does the longer file begin with the shorter one, as far as the end of that one tells? */
export function continues(longer: string, shorter: string): boolean {
  const [long, short] = [fs.openSync(longer, 'r'), fs.openSync(shorter, 'r')];
  try {
    const { size } = fs.fstatSync(short);
    if (fs.fstatSync(long).size < size || size === 0) return false;
    return endAlike(long, short, size);
  } finally {
    fs.closeSync(long);
    fs.closeSync(short);
  }
}

/** Are the last bytes before `size` the same in both of these open files? */
export function endAlike(one: number, other: number, size: number): boolean {
  const [a, b] = [
    Buffer.allocUnsafe(Math.min(COMPARED_BYTES, size)),
    Buffer.allocUnsafe(Math.min(COMPARED_BYTES, size)),
  ];
  const at = size - a.length;
  return (
    fs.readSync(one, a, 0, a.length, at) === a.length &&
    fs.readSync(other, b, 0, b.length, at) === b.length &&
    a.equals(b)
  );
}

type StartRecord = JournalRecord<Stamped, unknown>;

function epochOf(value: unknown): number {
  const { epoch } = (value ?? {}) as { epoch?: unknown };
  return typeof epoch === 'number' ? epoch : 0;
}

function isAhead(ours: JournalRank, theirs: JournalRank): boolean {
  return ours.epoch === theirs.epoch ? ours.lastRecord >= theirs.lastRecord : ours.epoch > theirs.epoch;
}

/** The segments of a folder, the oldest first; none where there is no folder. */
export function segmentsOf(folder: string): Segment[] {
  return fs.existsSync(folder) ? listSegments(fs, folder) : [];
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) if (!fs.existsSync(`${path}-${number}`)) return `${path}-${number}`;
}
