/**
 * Reading the lines of a request one by one, typed. Used by the decoding side of every protocol in this folder.
 *
 * Theory. A decoder wants to read all its fields in one go and ask once whether that went well. So a reader remembers
 * the first problem and answers with harmless values after it: `problem` is looked at last, before anything is used.
 */

import { decodePart, fieldsOf } from './line.ts';

/** Digits of the largest number that is read (2^53 - 1). */
const NUMBER_PATTERN = /^(0|[1-9][0-9]{0,15})$/;

/** The lines of one request. Never throws; after a problem every further answer is '' or 0. */
export class FieldsReader {
  /** The first thing that was wrong, a sentence for people, or null. Look at it before using what was read. */
  problem: string | null = null;
  readonly #fields: Map<string, string>;

  constructor(rest: string) {
    const fields = fieldsOf(rest);
    this.#fields = typeof fields === 'string' ? new Map() : fields;
    if (typeof fields === 'string') this.problem = fields;
  }

  /** A line's contents as they came, percent-encoded: for what is only passed on, or is plain by its form. */
  raw(name: string): string {
    const contents = this.#fields.get(name);
    if (contents === undefined) this.problem ??= `the line ${name} is missing`;
    return contents ?? '';
  }

  /** A line's contents, decoded. */
  text(name: string): string {
    const text = decodePart(this.raw(name));
    if (text === null) this.problem ??= `the contents of ${name} are not percent-encoded UTF-8`;
    return text ?? '';
  }

  /** A decimal number from 0 to 2^53-1, without sign or leading zeros. */
  number(name: string): number {
    const contents = this.raw(name);
    const number = NUMBER_PATTERN.test(contents) ? Number(contents) : NaN;
    if (Number.isSafeInteger(number)) return number;
    this.problem ??= `${name} is not a whole number from 0 to 2^53-1`;
    return 0;
  }
}
