/**
 * What a start makes of the newest segment of a journal (step 7).
 *
 * A segment is lines of ASCII, each ended by LF: eight hex digits, a space, JSON. The digits are the CRC-32 of the JSON. The first
 * line is a header, {"format":"ssmmp-journal",…,"firstRecord":1,…}, every other one a record, {"n":1,…}; records are numbered
 * without a gap, beginning with firstRecord. Read docs/journal.md, "Is it sound?". `crc32(bytes)` is in node:zlib.
 */
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

/** Any bytes get an answer; it throws never. */
export function recover(segment: Uint8Array): Recovered {
  // A beginning, and wrong: it believes every line, and counts the header too.
  const lines = new TextDecoder('latin1').decode(segment).split('\n');
  return { verdict: 'sound', offset: segment.length, lastRecord: lines.length - 1 };
}
