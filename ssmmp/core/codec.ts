/**
 * The codec: one text line to one message and back (R01 to R08, R24).
 *
 * Lives here: reading and writing of messages as the catalog says. Does not live here: cutting bytes into
 * lines (framing.ts) and what a message means. Writing keeps the specification's order to the letter,
 * because published peers read by position; reading goes by name. What cannot be read is a value, not an
 * exception, and keeps what could be read, so that a 400 can be sent back (refusal.ts).
 */
import {
  EXTENSION_LINES,
  FIELD_KINDS,
  rowOf,
  type Extensions,
  type FieldName,
  type Message,
  type MessageType,
} from './catalog.ts';
import { decodeInOrder } from './codec-quick.ts';
import { KIND_WORDS, readContents, writeContents } from './contents.ts';
import { MESSAGE_BYTES_MAX, MESSAGE_LINES_MAX, parseId } from './names.ts';
import { KEPT_SLACK_CHARS, ownText, ownValue } from './own-text.ts';
import { LINE_SPELLINGS, readSubType, readType } from './spellings.ts';

/** Why a line is no message, with what could be read of it. */
export interface Unreadable {
  readonly ok: false;
  /** A sentence: what was sent, what was expected. */
  readonly problem: string;
  readonly type: MessageType | null;
  readonly messageId: number | null;
  readonly lines: ReadonlyMap<string, string>;
}

export type Decoded = { readonly ok: true; readonly message: Message } | Unreadable;

/** A sender's refusal to write something the wire cannot hold (R03): a broken invariant of the sender. */
export class UnencodableError extends Error {}

const UNWRITABLE = /[^\x20-\x7d]/;
const UNREADABLE_BYTE = /[^\x20-\x7e]/;
const SEPARATOR = ' ~ ';
const EXTENSION_NAMES = Object.keys(EXTENSION_LINES) as (keyof Extensions)[];

/**
 * Writes a message as one line without its LF. `strict` leaves out every `x_…` line (`--strict-1.1`).
 * Throws UnencodableError where a contents holds what the wire cannot, which no value read by this codec does.
 */
export function encode(message: Message, strict = false): string {
  const row = rowOf(message.type);
  let line = `type: ${message.type}${SEPARATOR}message_id: ${message.message_id}`;
  if (message.sub_type !== null) line += `${SEPARATOR}sub_type: ${message.sub_type}`;
  const values = message as unknown as Record<FieldName, unknown>;
  for (const field of row.fields) {
    const value = values[field];
    // A number needs no look for what the wire cannot hold.
    if (typeof value === 'number') line += `${SEPARATOR}${field}: ${value}`;
    else line += lineOf(field, writeContents(FIELD_KINDS[field], value));
  }
  if (message.x !== undefined && !strict)
    for (const name of EXTENSION_NAMES) {
      const contents = message.x[name];
      if (contents !== undefined) line += lineOf(name, contents);
    }
  if (line.length > MESSAGE_BYTES_MAX)
    throw new UnencodableError(`${message.type} has ${line.length} bytes; the most is ${MESSAGE_BYTES_MAX} (R07)`);
  return line;
}

/** Reads one line (without its LF; a CR at the end is ignored). Never throws. */
export function decode(text: string): Decoded {
  const message = decodeInOrder(text);
  return message === null ? decodeByName(text) : { ok: true, message: loose(message, text) };
}

/** Reading by name, whatever the order: the meaning of a message. `decode` is the same, only faster for most. */
export function decodeByName(text: string): Decoded {
  const lines = new Map<string, string>();
  const problem = splitLines(text, lines);
  const type = readType(lines.get('type') ?? '', (name) => lines.has(name));
  const messageId = parseId(lines.get('message_id') ?? '');
  const fail = (sentence: string): Unreadable => ({ ok: false, problem: sentence, type, messageId, lines });
  if (problem !== null) return fail(problem);
  if (type === null) return fail(`'type: ${show(lines.get('type'))}' is no message type of SSMMP/1.1`);
  if (messageId === null) return fail(`'message_id: ${show(lines.get('message_id'))}' is no integer from 1 to 2^53-1`);
  const subType = readSubType(type, lines.get('sub_type'));
  if (subType === undefined)
    return fail(`'sub_type: ${show(lines.get('sub_type'))}' is no hop of ${type} (${hopsOf(type)})`);

  const row = rowOf(type);
  const spellings = LINE_SPELLINGS[type];
  if (spellings !== undefined)
    for (const [listed, name] of Object.entries(spellings)) {
      const contents = lines.get(listed);
      if (contents !== undefined && !lines.has(name)) lines.set(name, contents);
    }
  const message: Record<string, unknown> = { type, message_id: messageId, sub_type: subType };
  for (const field of row.fields) {
    const contents = lines.get(field);
    if (contents === undefined || contents === '') {
      if (row.blank.includes(field)) {
        message[field] = null;
        continue;
      }
      if (contents === undefined) return fail(`${type} needs a line '${field}'`);
    }
    const value = readContents(FIELD_KINDS[field], contents);
    if (value === null) return fail(`'${field}: ${show(contents)}' is no ${KIND_WORDS[FIELD_KINDS[field]]}`);
    message[field] = value;
  }
  const x = readExtensions(lines);
  if (x !== null) message['x'] = x;
  return { ok: true, message: loose(message as unknown as Message, text) };
}

/** What is kept of a message does not keep a long line. */
function loose(message: Message, text: string): Message {
  return text.length > KEPT_SLACK_CHARS ? ownValue(message) : message;
}

function lineOf(name: string, contents: string): string {
  if (UNWRITABLE.test(contents))
    throw new UnencodableError(
      `'${name}: ${show(contents)}' holds '~', a control character or a byte above 0x7E (R03)`,
    );
  return `${SEPARATOR}${name}: ${contents}`;
}

/** Splits a line at ` ~ ` into `lines`; the sentence says what was wrong, and what came before it stays readable. */
function splitLines(text: string, lines: Map<string, string>): string | null {
  if (text.length > MESSAGE_BYTES_MAX)
    return `a message of ${text.length} bytes; the most is ${MESSAGE_BYTES_MAX} (R07)`;
  const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
  let problem: string | null = null;
  if (UNREADABLE_BYTE.test(whole)) problem = 'a control character or a byte above 0x7E; SSMMP is 7-bit ASCII (R08)';
  const parts = whole.split(SEPARATOR);
  if (parts.length > MESSAGE_LINES_MAX && (parts.length > MESSAGE_LINES_MAX + 1 || parts.at(-1)?.trim() !== ''))
    return `${parts.length} lines; the most is ${MESSAGE_LINES_MAX} (R07)`;
  parts.forEach((part, index) => {
    let trimmed = part.trim();
    if (index === parts.length - 1 && trimmed.endsWith(' ~')) trimmed = trimmed.slice(0, -2).trimEnd();
    if (trimmed === '' && index === parts.length - 1 && index > 0) return;
    const colon = trimmed.indexOf(':');
    const name = colon === -1 ? '' : trimmed.slice(0, colon).trimEnd();
    const contents = trimmed.slice(colon + 1).trim();
    if (name === '') problem ??= `'${show(trimmed)}' is no line 'name: contents'`;
    else if (trimmed.includes('~')) problem ??= `'~' inside line '${show(name)}'; a contents never holds one (R03)`;
    else if (lines.has(name)) problem ??= `line '${show(name)}' stands twice (R03)`;
    else lines.set(name, contents);
  });
  return problem;
}

function readExtensions(lines: ReadonlyMap<string, string>): Extensions | null {
  let x: Record<string, string> | null = null;
  for (const [name, contents] of lines)
    if (name.startsWith('x_') && Object.hasOwn(EXTENSION_LINES, name)) (x ??= {})[name] = contents;
  return x;
}

function hopsOf(type: MessageType): string {
  return rowOf(type)
    .hops.map((hop) => hop.subType ?? 'none')
    .join(', ');
}

/** A piece of a stranger's text for a sentence: short, nothing unprintable. */
function show(text: string | undefined): string {
  return ownText((text ?? '').slice(0, 80).replace(/[^\x20-\x7e]/g, '?'));
}
