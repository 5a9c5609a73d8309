/**
 * What a start makes of the newest segment of a journal (step 7): one way to do it.
 *
 * A segment is lines of ASCII, each ended by LF: eight hex digits, a space, JSON. The digits are the CRC-32 of the JSON. The first
 * line is a header, {"format":"ssmmp-journal",…,"firstRecord":1,…}, every other one a record, {"n":1,…}; records are numbered
 * without a gap, beginning with firstRecord. Read docs/journal.md, "Is it sound?".
 */
import { crc32 } from 'node:zlib';

export interface Recovered {
  /**
   * sound: records to the last byte. torn: the end is no record and was never acknowledged, so it is cut. refused: something that
   * somebody was told of would be lost, so nothing is started.
   */
  readonly verdict: 'sound' | 'torn' | 'refused';
  /** sound: the length. torn: where it is cut. refused: where the first line begins that is not as it should be. */
  readonly offset: number;
  /** Number of the last record before `offset`: firstRecord - 1 where there is none, 0 where the header cannot be read. */
  readonly lastRecord: number;
}

const LF = 10;
const SPACE = 32;
/** Bytes before the JSON of a line. */
const HEAD_BYTES = 9;

/** Any bytes get an answer; it throws never. */
export function recover(segment: Uint8Array): Recovered {
  const headerEnd = segment.indexOf(LF);
  const header = headerEnd === -1 ? null : readLine(segment, 0, headerEnd);
  if (header === null) return { verdict: 'refused', offset: 0, lastRecord: 0 };
  let last = numberIn(header, 'firstRecord') - 1;
  let at = headerEnd + 1;
  let bad: number | null = null;
  for (let end = segment.indexOf(LF, at); end !== -1; end = segment.indexOf(LF, at)) {
    const json = readLine(segment, at, end);
    if (json === null) {
      bad ??= at;
      if (hidesLine(segment, at, end)) return { verdict: 'refused', offset: bad, lastRecord: last };
    } else {
      if (bad !== null) return { verdict: 'refused', offset: bad, lastRecord: last };
      if (numberIn(json, 'n') !== last + 1) return { verdict: 'refused', offset: at, lastRecord: last };
      last += 1;
    }
    at = end + 1;
  }
  const offset = bad ?? at;
  return { verdict: offset === segment.length ? 'sound' : 'torn', offset, lastRecord: last };
}

/** Does a sound line end where this one does? It does when only the LF before it was damaged. */
function hidesLine(segment: Uint8Array, from: number, end: number): boolean {
  for (let at = from + 1; at + HEAD_BYTES < end; at += 1) if (readLine(segment, at, end) !== null) return true;
  return false;
}

function numberIn(json: string, name: string): number {
  return Number((JSON.parse(json) as Record<string, unknown>)[name]);
}

/** The JSON of the line from `from` to its LF at `end`; null where the line is not sound. */
function readLine(segment: Uint8Array, from: number, end: number): string | null {
  const start = from + HEAD_BYTES;
  if (end < start || segment[start - 1] !== SPACE) return null;
  const json = segment.subarray(start, end);
  const digits = crc32(json).toString(16).padStart(8, '0');
  for (let at = 0; at < digits.length; at += 1) if (segment[from + at] !== digits.charCodeAt(at)) return null;
  return new TextDecoder('latin1').decode(json);
}
