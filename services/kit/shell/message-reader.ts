/**
 * Reading a message of the CNApp's line format in place.
 *
 * Lives here: the fast way for the lines that make up all the traffic. Does not live here: the format; a line that is
 * not exactly as our side writes it goes through services/protocols/line.ts, and so does every error.
 *
 * Theory. The lines of one session mostly have one type. So the header `Type: t ~ Message_id: ` of the last line is
 * compared as a whole, one comparison instead of two searches and two slices; digits are read where they stand, and
 * only the rest becomes a string (a slice, no copy).
 */
import { isLineError, parseLine, type LineError, type LineMessage } from '../../protocols/line.ts';

const SPACE = 32;
const CARRIAGE_RETURN = 13;
const ZERO = 48;
/** Digits that fit into 2^53-1 whatever they are. */
const SURE_DIGITS = 15;

/** One reader a connection and direction. */
export class MessageReader {
  private type = '';
  private header = '\n';

  /** The message that stands at `text.slice(from, end)`. */
  read(text: string, from: number, end: number): LineMessage | LineError {
    const { header } = this;
    if (text.startsWith(header, from)) {
      const first = from + header.length;
      let at = first;
      let id = 0;
      for (; at < end; at += 1) {
        const digit = text.charCodeAt(at) - ZERO;
        if (digit < 0 || digit > 9) break;
        id = id * 10 + digit;
      }
      const last = text.charCodeAt(end - 1);
      if (
        id > 0 &&
        at - first <= SURE_DIGITS &&
        text.charCodeAt(first) !== ZERO &&
        last !== SPACE &&
        last !== CARRIAGE_RETURN
      ) {
        if (at === end) return { type: this.type, id, rest: '' };
        if (text.startsWith(' ~ ', at)) return { type: this.type, id, rest: text.slice(at, end) };
      }
    }
    return this.readSlowly(text.slice(from, end));
  }

  private readSlowly(line: string): LineMessage | LineError {
    const message = parseLine(line);
    if (!isLineError(message) && line.startsWith(`Type: ${message.type} ~ Message_id: `)) {
      // A copy: a slice would keep the whole chunk it was cut from.
      this.header = Buffer.from(`Type: ${message.type} ~ Message_id: `, 'latin1').toString('latin1');
      this.type = this.header.slice('Type: '.length, -' ~ Message_id: '.length);
    }
    return message;
  }
}
