/**
 * Reading the one shape that answers have on every edge: `Status`, then `Line_3`, `Line_4` …, as the user gets them.
 * okRest, okRestOfRaw and errorRest in user.ts write it. What a line means, its own protocol's file knows.
 *
 * Theory. An answer that is born in a store in the shape in which the user gets it can be passed on by everybody in
 * between as one slice of text, without being read. So edges name the lines of their requests, but share this answer.
 */

import { encodePart, fieldsOf } from './line.ts';

/** The contents of the lines from Line_3 on, still percent-encoded. */
export interface Answer {
  readonly status: number;
  readonly lines: readonly string[];
}

const STATUS_PREFIX = ' ~ Status: ';
const FIRST_LINE = 3;

/** The status of an answer, without reading the rest of it; 0 when it shows none. */
export function statusOf(rest: string): number {
  if (!rest.startsWith(STATUS_PREFIX)) return 0;
  const status = Number(rest.slice(STATUS_PREFIX.length, STATUS_PREFIX.length + 3));
  return Number.isInteger(status) && status >= 100 ? status : 0;
}

/** Reads an answer; one that cannot be read is answered for with 500 and the reason in its only line. */
export function readAnswer(rest: string): Answer {
  const status = statusOf(rest);
  const fields = fieldsOf(rest);
  if (status === 0 || typeof fields === 'string') {
    const why = typeof fields === 'string' ? fields : 'it shows no Status';
    return { status: 500, lines: [encodePart(`unreadable answer: ${why}`)] };
  }
  const lines: string[] = [];
  for (let line = FIRST_LINE; ; line += 1) {
    const contents = fields.get(`Line_${line}`);
    if (contents === undefined) break;
    lines.push(contents);
  }
  return { status, lines };
}
