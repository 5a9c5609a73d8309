/**
 * The line format of the CNApp: how one message becomes one text line and back. Used by the kit, by every service, by
 * the gateway and by the user's client. Nothing here knows a protocol, a socket or a file; no Node import.
 *
 * Theory. A message is `Type: t ~ Message_id: n ~ Name: contents ~ …` and an LF that the connection adds and takes
 * away. What stands behind the id is only needed by the one who acts on the message: a hop that passes it on copies
 * `rest` as it is. So `parseLine` finds the first two lines by index and leaves the rest one unparsed slice (splitting
 * every line at ` ~ ` costs more than everything else a hop does), and `fieldsOf` splits it where somebody reads it.
 * Contents are 7-bit ASCII, percent-encoded UTF-8, so a connection may read bytes as latin1: a byte above 0x7E shows
 * up as a character that `decodePart` refuses.
 */

/** One message: `Type: t ~ Message_id: n` and `rest`, the raw text behind it ('' or starting with ' ~ '). */
export interface LineMessage {
  readonly type: string;
  readonly id: number;
  readonly rest: string;
}

/** A line that cannot be read: why (a sentence for people), and what could be read: '' and 0 when it shows none. */
export interface LineError {
  readonly error: string;
  readonly type: string;
  readonly id: number;
}

/** Joins the lines of a message. */
export const LINE_SEPARATOR = ' ~ ';
/** Joins the parts of one line's contents. */
export const PART_SEPARATOR = ', ';
/** Most characters of the name of a line, and of a type that is echoed in an answer. */
export const NAME_LENGTH_MAX = 64;
/** Most digits of a Message_id (2^53 - 1 has 16). */
export const ID_DIGITS_MAX = 16;

const TYPE_PREFIX = 'Type: ';
const ID_PREFIX = 'Message_id: ';
const NAME_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/;
/** What may not stand in contents as it is, whatever its place. Spaces at either end are looked at apart. */
const MUST_ENCODE = /[%~,\x00-\x1f\x7f-\uffff]/;
const MUST_ENCODE_RUNS = /[%,\x00-\x1f\x7f-\uffff]+/g;
const MAY_NOT_STAND = /[~,\x00-\x1f\x7f-\uffff]/;
/** With the u flag this is a lone surrogate: half a character, which UTF-8 cannot say. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
const SPACE = 32;
const CARRIAGE_RETURN = 13;

/**
 * Reads type and id of a line (without its LF; one `\r` and one trailing ` ~ ` are ignored). Call it for every message
 * of a connection; it never throws. `rest` is not looked at: see fieldsOf. Ids are 1 to 2^53-1 without leading zeros.
 */
export function parseLine(line: string): LineMessage | LineError {
  const end = endOf(line);
  if (line.startsWith(TYPE_PREFIX)) {
    const typeEnd = line.indexOf(LINE_SEPARATOR, TYPE_PREFIX.length);
    if (typeEnd > TYPE_PREFIX.length && line.startsWith(ID_PREFIX, typeEnd + 3)) {
      const from = typeEnd + 3 + ID_PREFIX.length;
      let id = 0;
      let at = from;
      for (; at < end; at += 1) {
        const digit = line.charCodeAt(at) - 48;
        if (digit < 0 || digit > 9) break;
        id = id * 10 + digit;
      }
      const idFits =
        id > 0 && at - from <= ID_DIGITS_MAX && id <= Number.MAX_SAFE_INTEGER && line.charCodeAt(from) !== 48;
      if (idFits && (at === end || line.startsWith(LINE_SEPARATOR, at))) {
        return { type: line.slice(TYPE_PREFIX.length, typeEnd), id, rest: line.slice(at, end) };
      }
    }
  }
  return explain(line.slice(0, end));
}

/** True for what parseLine could not read. */
export function isLineError(parsed: LineMessage | LineError): parsed is LineError {
  return 'error' in parsed;
}

/** Writes a message, without LF. `rest` is '' or starts with ' ~ ' (restOf makes one). */
export function formatLine(type: string, id: number, rest: string): string {
  return TYPE_PREFIX + type + LINE_SEPARATOR + ID_PREFIX + id + rest;
}

/**
 * The type that answers a request: `X_request` is answered by `X_response`, anything else (also a type of more than
 * 64 characters or outside `[A-Za-z0-9_.-]`, which must not be echoed) by `error_response`.
 */
export function responseTypeOf(type: string): string {
  const isRequest = type.length > '_request'.length && type.endsWith('_request') && NAME_PATTERN.test(type);
  return isRequest ? type.slice(0, -'request'.length) + 'response' : 'error_response';
}

/** The lines behind the id: name → raw (still percent-encoded) contents, or a sentence that says why not. */
export function fieldsOf(rest: string): Map<string, string> | string {
  const fields = new Map<string, string>();
  if (rest === '') return fields;
  if (!rest.startsWith(LINE_SEPARATOR)) return `expected ' ~ ' behind the Message_id, found ${quote(rest)}`;
  const length = endOf(rest);
  let from = LINE_SEPARATOR.length;
  while (from <= length) {
    const next = rest.indexOf(LINE_SEPARATOR, from);
    const end = next === -1 || next > length ? length : next;
    let nameEnd = rest.indexOf(': ', from);
    let contents = '';
    if (nameEnd !== -1 && nameEnd < end) contents = rest.slice(nameEnd + 2, end);
    else nameEnd = end > from && rest.charCodeAt(end - 1) === 58 ? end - 1 : -1; // `Name:` alone is empty contents
    if (nameEnd === -1) return `expected 'Name: contents', found ${quote(rest.slice(from, end))}`;
    const name = rest.slice(from, nameEnd);
    if (!NAME_PATTERN.test(name)) return `expected a line name of 1 to 64 of [A-Za-z0-9_.-], found ${quote(name)}`;
    if (fields.has(name) || name === 'Type' || name === 'Message_id') return `the line ${name} stands twice`;
    fields.set(name, contents);
    from = end + LINE_SEPARATOR.length;
  }
  return fields;
}

/** The rest of a message from lines whose contents are encoded already (encodePart, joinParts). No line: ''. */
export function restOf(fields: Iterable<readonly [name: string, contents: string]>): string {
  let rest = '';
  for (const [name, contents] of fields) rest += LINE_SEPARATOR + name + ': ' + contents;
  return rest;
}

/**
 * Percent-encodes one part of a contents, and no more than must be: `%`, `~`, `,`, controls, everything above 0x7E,
 * and the spaces at either end; other spaces stand. Half a character (a lone surrogate) becomes U+FFFD.
 */
export function encodePart(text: string): string {
  if (text === '') return '';
  let encoded = text;
  if (MUST_ENCODE.test(text)) {
    encoded = text
      .replace(LONE_SURROGATE, '\ufffd')
      .replace(MUST_ENCODE_RUNS, encodeURIComponent)
      .replaceAll('~', '%7E');
  }
  if (encoded.charCodeAt(0) !== SPACE && encoded.charCodeAt(encoded.length - 1) !== SPACE) return encoded;
  return encodeOuterSpaces(encoded);
}

/**
 * The text of one part, or null when it cannot be read: a `%` without two hexadecimal digits, bytes that are not UTF-8,
 * or a character standing that must be encoded. Anything else may be percent-encoded too, in either case of letters.
 */
export function decodePart(contents: string): string | null {
  if (contents === '') return '';
  if (contents.charCodeAt(0) === SPACE || contents.charCodeAt(contents.length - 1) === SPACE) return null;
  if (MAY_NOT_STAND.test(contents)) return null;
  if (!contents.includes('%')) return contents;
  try {
    return decodeURIComponent(contents);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** Several parts as one contents: each part encoded, joined by `, `. */
export function joinParts(parts: readonly string[]): string {
  return parts.map(encodePart).join(PART_SEPARATOR);
}

/** The parts of a contents, decoded, or null when one cannot be read. Empty contents is one empty part. */
export function splitParts(contents: string): string[] | null {
  const parts: string[] = [];
  for (const raw of contents.split(PART_SEPARATOR)) {
    const part = decodePart(raw);
    if (part === null) return null;
    parts.push(part);
  }
  return parts;
}

/** Where the line ends when one `\r` and one trailing ` ~ ` are left away. */
function endOf(line: string): number {
  let end = line.length;
  if (end > 0 && line.charCodeAt(end - 1) === CARRIAGE_RETURN) end -= 1;
  if (end >= 3 && line.charCodeAt(end - 1) === SPACE && line.startsWith(LINE_SEPARATOR, end - 3)) end -= 3;
  return end;
}

/** The slow path: somebody sent what parseLine does not take; say what is wrong and what can be read of it. */
function explain(line: string): LineError {
  let type = '';
  let id = 0;
  let from = 0;
  // Type and id are looked for in the first lines only: a hostile line of 64 KiB must not cost more than a good one.
  for (let looked = 0; looked < 8 && from <= line.length; looked += 1) {
    const next = line.indexOf(LINE_SEPARATOR, from);
    const piece = line.slice(from, next === -1 ? line.length : next);
    if (type === '' && piece.startsWith(TYPE_PREFIX)) type = piece.slice(TYPE_PREFIX.length);
    if (id === 0 && piece.startsWith(ID_PREFIX)) id = readId(piece.slice(ID_PREFIX.length));
    if (next === -1) break;
    from = next + LINE_SEPARATOR.length;
  }
  return { error: `expected 'Type: t ~ Message_id: n' with n from 1 to 2^53-1, found ${quote(line)}`, type, id };
}

function readId(contents: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(contents)) return 0;
  const id = Number(contents);
  return id <= Number.MAX_SAFE_INTEGER ? id : 0;
}

/** What was found, short and in 7-bit ASCII, so that it may stand in a sentence, a log or a terminal. */
function quote(text: string): string {
  const short = text.length > 60 ? text.slice(0, 60) + '...' : text;
  return `'${short.replace(/[^\x20-\x7e]/g, '?')}'`;
}

function encodeOuterSpaces(text: string): string {
  let first = 0;
  while (first < text.length && text.charCodeAt(first) === SPACE) first += 1;
  let last = text.length;
  while (last > first && text.charCodeAt(last - 1) === SPACE) last -= 1;
  return '%20'.repeat(first) + text.slice(first, last) + '%20'.repeat(text.length - last);
}
