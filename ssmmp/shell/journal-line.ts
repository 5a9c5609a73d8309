/**
 * One line of a journal file: `<crc32 in 8 hex digits> <json>\n`, in ASCII.
 *
 * Lives here: writing such a line and telling a sound one from any other bytes. Does not live here: what the
 * JSON says (ssmmp/machine/journal.ts), files. A line holds no LF but its last byte, because JSON escapes
 * one, so a damaged line never hides where the next one begins. The checksum covers the JSON; the digits
 * and the space are compared exactly, so a flip of any single bit of a line is seen.
 */
import { crc32 } from 'node:zlib';

/** Bytes before the JSON: eight digits and a space. */
export const LINE_HEAD_BYTES = 9;
const LF = 10;
const SPACE = 32;
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');
const BEYOND_ASCII = /[^\x00-\x7f]/;
const EACH_BEYOND_ASCII = /[^\x00-\x7f]/g;

/** JSON of a value in ASCII: whatever lies beyond is escaped, so that one character is one byte. */
export function asciiJson(value: unknown): string {
  const text = JSON.stringify(value);
  return BEYOND_ASCII.test(text) ? text.replace(EACH_BEYOND_ASCII, escaped) : text;
}

/** Bytes the line of this JSON takes. */
export function lineBytes(json: string): number {
  return LINE_HEAD_BYTES + json.length + 1;
}

/** Writes the line of `json` (ASCII, without LF) at `offset`, where there must be room; returns where it ends. */
export function writeLine(target: Buffer, offset: number, json: string): number {
  const from = offset + LINE_HEAD_BYTES;
  const end = from + target.write(json, from, 'latin1');
  let sum = crc32(target.subarray(from, end));
  for (let at = offset + 7; at >= offset; at -= 1) {
    target[at] = DIGITS[sum & 15] as number;
    sum >>>= 4;
  }
  target[from - 1] = SPACE;
  target[end] = LF;
  return end + 1;
}

/** The JSON of the line between `from` and `end` (its LF not included), or null when it is not sound. */
export function readLine(source: Buffer, from: number, end: number): string | null {
  const start = from + LINE_HEAD_BYTES;
  if (end < start || source[start - 1] !== SPACE) return null;
  let sum = crc32(source.subarray(start, end));
  for (let at = start - 2; at >= from; at -= 1) {
    if (source[at] !== DIGITS[sum & 15]) return null;
    sum >>>= 4;
  }
  return source.toString('latin1', start, end);
}

/** Does a sound line begin somewhere inside these bytes? So it does when only the LF before it was damaged. */
export function holdsLine(source: Buffer, from: number, end: number): boolean {
  const text = source.toString('latin1', from, end);
  for (const { index } of text.matchAll(/(?=[0-9a-f]{8} \{)/g))
    if (index > 0 && readLine(source, from + index, end) !== null) return true;
  return false;
}

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
