/**
 * From text as it arrives to lines: the framing of the user socket. Pure; no socket, no clock.
 *
 * Theory. Whoever can connect can send anything: half a line, a line without an end, a thousand lines at once. So what
 * is kept of an unfinished line is bounded, and of a line that is too long nothing is kept but its beginning, which
 * says whom to answer; the rest is skipped up to its LF, and the connection goes on.
 */

/** Of a line that is too long, so much is looked at to find its type and id. */
export const HEAD_LENGTH = 1024;

export class LineSplitter {
  readonly #lengthMax: number;
  #half = '';
  #isSkipping = false;
  #skipped = 0;

  /** `lengthMax`: characters of a line, without its LF. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Characters of the unfinished line that are kept. */
  get halfLength(): number {
    return this.#half.length;
  }

  /** True in the middle of a line. */
  get isInLine(): boolean {
    return this.#half !== '' || this.#isSkipping;
  }

  /** Characters skipped of the line that is too long, so far. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Hands over every line that `text` ends, without its LF; of one that is too long only its head, as soon as it is. */
  feed(text: string, take: (line: string) => void, tooLong: (head: string) => void): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const piece = text.slice(from, end);
      from = end + 1;
      const line = this.#half === '' ? piece : this.#half + piece;
      this.#half = '';
      if (this.#isSkipping) this.#isSkipping = false;
      else if (line.length > this.#lengthMax) tooLong(line.slice(0, HEAD_LENGTH));
      else take(line);
      this.#skipped = 0;
    }
    if (from === text.length) return;
    const rest = from === 0 ? text : text.slice(from);
    if (this.#isSkipping) this.#skipped += rest.length;
    else if (this.#half.length + rest.length > this.#lengthMax) {
      const head = (this.#half + rest).slice(0, HEAD_LENGTH);
      this.#skipped = this.#half.length + rest.length;
      this.#half = '';
      this.#isSkipping = true;
      tooLong(head);
    } else this.#half += rest;
  }
}
