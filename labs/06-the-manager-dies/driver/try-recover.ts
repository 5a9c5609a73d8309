/**
 * A student's `recover` on journals from a seed: node try-recover.cjs RECOVER. Tells the check one value.
 *
 * Lives here: making segments, damaging them, asking. What is right is not thought up here: the recovery that a Manager starts
 * with reads the same bytes from a disk that is a piece of memory.
 */
import { seed, tellCheck } from '../../runner/judge.ts';
import { crc32 } from 'node:zlib';
import { createRequire } from 'node:module';
import { Chance } from '../../runner/api.ts';
import { recoverJournal } from '../../../ssmmp/shell/journal-recovery.ts';
import { segmentName } from '../../../ssmmp/shell/journal-segments.ts';
import type { JournalFs } from '../../../ssmmp/shell/journal-segments.ts';
import type { Machine, Stamped } from '../../../ssmmp/machine/machine.ts';
import type { Recovered } from '../solution/recover.ts';

/** What the check reads. */
export interface Tried {
  readonly cases: number;
  /** The first case that came out otherwise; null: none. */
  readonly problem: Mismatch | null;
}

export interface Mismatch {
  readonly what: string;
  readonly expected: string;
  readonly came: string;
  /** The bytes, one character each. */
  readonly segment: string;
}

interface Case {
  readonly what: string;
  readonly bytes: Buffer;
}

const FIRST_RECORDS = [1, 413];
const RECORDS = 7;
const LF = 10;
const BITS = 8;
/** What a record may say: text that looks like a line of the journal among it. */
const WORDS = ['session_request', 'deadbeef {', '00000000 {"n":9}', 'on → off', 'tick', '\\', '~'];
/** A machine that remembers nothing: of the recovery only the reading is wanted. */
const MACHINE: Machine<null, Stamped, never> = {
  name: 'manager',
  version: 1,
  step: () => ({ effects: [], flush: false }),
  nextDeadline: () => null,
  save: () => null,
  load: () => null,
};

const line = (json: string): string => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
const ascii = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x00-\x7f]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function headerLine(firstRecord: number): string {
  const [format, formatVersion, machine, machineVersion] = ['ssmmp-journal', 1, MACHINE.name, MACHINE.version];
  return line(ascii({ format, formatVersion, machine, machineVersion, firstRecord, at: 1, mark: null, state: {} }));
}

function recordLine(n: number, chance: Chance): string {
  const words = Array.from({ length: chance.below(4) }, () => WORDS[chance.below(WORDS.length)]);
  return line(ascii({ n, in: { kind: 'tick', at: n, words }, out: [] }));
}

/** Everything that is tried with one segment. */
function* casesOf(firstRecord: number, chance: Chance): Generator<Case> {
  const numbers = Array.from({ length: RECORDS }, (_, at) => firstRecord + at);
  const lines = [headerLine(firstRecord), ...numbers.map((n) => recordLine(n, chance))];
  const whole = Buffer.from(lines.join(''), 'latin1');
  const made = (what: string, of: readonly string[]): Case => ({ what, bytes: Buffer.from(of.join(''), 'latin1') });
  yield {
    what: `a segment with records ${firstRecord} to ${firstRecord + RECORDS - 1}, as it was written`,
    bytes: whole,
  };
  for (let end = whole.length - 1; end >= 0; end -= 1)
    yield { what: `cut before byte ${end}`, bytes: whole.subarray(0, end) };
  for (let at = 0; at < whole.length; at += 1) {
    // All bits of an LF, since lines hang together by it; of any other byte one.
    const bits = whole[at] === LF ? Array.from({ length: BITS }, (_, bit) => bit) : [chance.below(BITS)];
    for (const bit of bits) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      const of = whole[at] === LF ? ', the LF of a line,' : '';
      yield { what: `bit ${bit} of byte ${at}${of} flipped`, bytes };
    }
  }
  for (let at = 1; at <= RECORDS; at += 1) {
    yield made(`without its record ${firstRecord + at - 1}`, lines.toSpliced(at, 1));
    yield made(`with its record ${firstRecord + at - 1} twice`, lines.toSpliced(at, 0, lines[at] ?? ''));
  }
  yield made('with three lines of rubbish behind its end', [...lines, 'rubbish\n', '12345678 {}\n', '\n']);
}

/** What the recovery of the Manager says. */
function truthOf(firstRecord: number, bytes: Buffer): Recovered {
  const found = recoverJournal(MACHINE, { folder: '/', disk: diskOf(segmentName(firstRecord), bytes) });
  const offset = found.ok ? (found.newest?.bytes ?? 0) : found.offset;
  const linesBefore = bytes.subarray(0, offset).filter((byte) => byte === LF).length;
  return {
    verdict: found.ok ? (found.torn === null ? 'sound' : 'torn') : 'refused',
    offset,
    lastRecord: linesBefore === 0 ? 0 : firstRecord + linesBefore - 2,
  };
}

/** A disk with one file, to be read. */
function diskOf(name: string, bytes: Buffer): JournalFs {
  const disk = {
    readdirSync: () => [name],
    openSync: () => 1,
    closeSync: () => undefined,
    fstatSync: () => ({ size: bytes.length }),
    readSync: (_fd: number, target: Buffer, offset: number, length: number, position: number) =>
      bytes.copy(target, offset, position, Math.min(bytes.length, position + length)),
  };
  return disk as unknown as JournalFs;
}

function told({ verdict, offset, lastRecord }: Recovered): string {
  return `verdict '${verdict}', offset ${offset}, lastRecord ${lastRecord}`;
}

/** What the student's function says to it, in the same words. */
function answerOf(recover: (segment: Uint8Array) => unknown, bytes: Buffer): string {
  try {
    const answer = recover(new Uint8Array(bytes));
    return typeof answer === 'object' && answer !== null ? told(answer as Recovered) : `it gave back ${String(answer)}`;
  } catch (error) {
    return `it threw ${String(error)}`;
  }
}

function tryAll(recover: (segment: Uint8Array) => unknown, seed: number): Tried {
  const chance = new Chance(seed);
  let cases = 0;
  for (const firstRecord of FIRST_RECORDS)
    for (const { what, bytes } of casesOf(firstRecord, chance)) {
      cases += 1;
      const [expected, came] = [told(truthOf(firstRecord, bytes)), answerOf(recover, bytes)];
      if (expected !== came) return { cases, problem: { what, expected, came, segment: bytes.toString('latin1') } };
    }
  return { cases, problem: null };
}

const [file = ''] = process.argv.slice(2);
const { recover } = createRequire(file)(file) as { recover?: (segment: Uint8Array) => unknown };
if (typeof recover !== 'function') throw new Error('recover.ts exports no function `recover`');
tellCheck(tryAll(recover, seed));
