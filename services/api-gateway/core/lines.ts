/**
 * From text as it arrives to lines: the framing of the user socket. Pure; no socket, no clock.
 *
 * Theory. Whoever can connect can send anything: half a line, a line without an end, thirty thousand lines in one piece.
 * So a line is looked for only when somebody is ready to take it: what arrived and cannot be served yet costs its bytes
 * and no time. What is kept of an unfinished line is bounded, and of a line that is too long nothing is kept but its
 * beginning, which says whom to answer; the rest is skipped up to its LF, and the connection goes on.
 */

/** Of a line that is too long, so much is looked at to find its type and id. */
export const HEAD_LENGTH = 1024;
/** Pieces of an unfinished line that are kept apart before they are joined: a line may come byte by byte. */
const PIECES_MAX = 256;

/** A line that is too long; `head` is its beginning. */
export interface TooLong {
  readonly head: string;
}

export class LineSplitter {
  readonly #lengthMax: number;
  /** What arrived and was not looked at: from #at on. */
  #text = '';
  #at = 0;
  /** The beginning of a line whose end is not there yet. */
  #half: string[] = [];
  #halfLength = 0;
  #isSkipping = false;
  #skipped = 0;
  #lines = 0;

  /** `lengthMax`: characters of a line, without its LF. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Characters that are kept: of the unfinished line, and of what was not looked at. */
  get heldLength(): number {
    return this.#halfLength + this.#text.length - this.#at;
  }

  /** False once `next` has given null, until more arrives. */
  get hasMore(): boolean {
    return this.#at < this.#text.length;
  }

  /** True in the middle of a line, once `next` has given null. */
  get isInLine(): boolean {
    return this.#halfLength > 0 || this.#isSkipping;
  }

  /** Lines that have ended so far: tells whether the unfinished line is still the same one. */
  get lines(): number {
    return this.#lines;
  }

  /** Characters skipped of the line that is too long, so far. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes what arrived. */
  feed(text: string): void {
    this.#text = this.hasMore ? this.#text.slice(this.#at) + text : text;
    this.#at = 0;
  }

  /** The next line without its LF; one that is too long as soon as it is; null when more must arrive. */
  next(): string | TooLong | null {
    for (let end = this.#findEnd(); end !== -1; end = this.#findEnd()) {
      const piece = this.#text.slice(this.#at, end);
      this.#at = end + 1;
      this.#lines += 1;
      if (this.#isSkipping) {
        this.#isSkipping = false;
        this.#skipped = 0;
        continue;
      }
      const line = this.#halfLength === 0 ? piece : this.#half.join('') + piece;
      this.#forgetHalf();
      return line.length > this.#lengthMax ? { head: line.slice(0, HEAD_LENGTH) } : line;
    }
    return this.#keepHalf();
  }

  #findEnd(): number {
    return this.hasMore ? this.#text.indexOf('\n', this.#at) : -1;
  }

  #keepHalf(): TooLong | null {
    const rest = this.#at === 0 ? this.#text : ownCopy(this.#text.slice(this.#at));
    this.#text = '';
    this.#at = 0;
    if (rest === '') return null;
    if (this.#isSkipping) {
      this.#skipped += rest.length;
      return null;
    }
    this.#halfLength += rest.length;
    this.#half.push(rest);
    if (this.#half.length > PIECES_MAX) this.#half = [this.#half.join('')];
    if (this.#halfLength <= this.#lengthMax) return null;
    const head = this.#half.join('').slice(0, HEAD_LENGTH);
    this.#skipped = this.#halfLength;
    this.#isSkipping = true;
    this.#forgetHalf();
    return { head };
  }

  #forgetHalf(): void {
    this.#half = [];
    this.#halfLength = 0;
  }
}

/** A slice keeps the 64 KiB in memory of which it is one; what waits for long must not. V8 copies what was joined. */
function ownCopy(slice: string): string {
  return ` ${slice}`.slice(1);
}
