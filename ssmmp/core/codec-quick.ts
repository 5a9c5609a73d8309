/**
 * Reading a line that is written exactly as `encode` writes it, without splitting it up first.
 *
 * Lives here: the quick way for what honest peers send. Does not live here: the meaning of a line, which is `decodeByName`
 * (codec.ts); a fuzzer compares the two. Anything else (another order, stray spaces, other spellings, an unknown
 * line, a mistake) gives null here and is read there.
 *
 * Theory. The catalog says all that may stand in a message of a type, so each type has one pattern, made of it: the names of
 * the lines to the letter, and between them what a contents of each kind looks like. An engine compiles a pattern, so one
 * look at a line of 400 letters, which cuts it up and checks each contents, takes the time of ten looks for ` ~ `. Compiling it
 * takes the time of a thousand, more than an instance reads while it starts: so the first lines of a type are read by name.
 */
import { canonicalAddress } from './address.ts';
import {
  EXTENSION_LINES,
  FIELD_KINDS,
  MESSAGE_TYPES,
  rowOf,
  type Extensions,
  type FieldKind,
  type FieldName,
  type Message,
  type MessageType,
} from './catalog.ts';
import { readContents } from './contents.ts';
import { MESSAGE_BYTES_MAX } from './names.ts';

const SEPARATOR = ' ~ ';
const TYPE = 'type: ';
const PORT_MAX = 65535;

const NAME = '[A-Za-z0-9][A-Za-z0-9_.-]{0,63}';
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const LIST = '[\\x20-\\x7d]*';

/** What a contents of each kind looks like, in a group; `valueOf` makes the value of it. */
const PATTERNS: Readonly<Record<FieldKind, string>> = {
  name: `(${NAME})`,
  plug: `(-|${NAME})`,
  // Numbers of 15 digits are exact.
  id: '([1-9][0-9]{0,14})',
  port: '([1-9][0-9]{0,4})',
  status: '([1-5][0-9][0-9])',
  address: `((?:${BYTE}\\.){3}${BYTE}|[0-9a-f]*:[0-9a-f:]+)`,
  names: `(${LIST})`,
  sockets: `(${LIST})`,
  plugs: `(${LIST})`,
};

/** Lines of a type that are read by name before its pattern is made. */
const READS_BY_NAME = 50;

/** How a type is read. */
interface Plan {
  readonly type: MessageType;
  /** How many lines of it have been left to be read by name. */
  reads: number;
  /** Groups: message_id, sub_type (if the type has it), each field, the x_ lines. Null: not worth it yet. */
  pattern: RegExp | null;
  readonly hasSubType: boolean;
  readonly fields: readonly { readonly field: FieldName; readonly kind: FieldKind }[];
}

/** By the length of their first line, which few types share. */
const PLANS: readonly (readonly Plan[])[] = plansByLength();

/** The last line that was read here and has no x_ line. It only remembers: who asks about another line looks for himself. */
let lastPlain = '';

/** True: this line holds nothing but letters, digits, spaces and `:~_.-(),;&`. False: it is not known to. */
export function isPlain(text: string): boolean {
  return text === lastPlain;
}

/** The message, or null for what is to be read by name. */
export function decodeInOrder(text: string): Message | null {
  if (text.length > MESSAGE_BYTES_MAX) return null;
  const plans = PLANS[text.indexOf(SEPARATOR)];
  if (plans === undefined) return null;
  for (const plan of plans) {
    if (plan.pattern === null) {
      if (!text.startsWith(plan.type, TYPE.length)) continue;
      plan.reads += 1;
      if (plan.reads <= READS_BY_NAME) return null;
      plan.pattern = patternOf(plan.type);
    }
    const groups = plan.pattern.exec(text);
    if (groups === null) continue;
    const message = messageOf(plan, groups);
    if (message !== null && message.x === undefined) lastPlain = text;
    return message;
  }
  return null;
}

function messageOf({ type, hasSubType, fields }: Plan, groups: RegExpExecArray): Message | null {
  const message: Record<string, unknown> = {
    type,
    message_id: Number(groups[1]),
    sub_type: hasSubType ? groups[2] : null,
  };
  let group = hasSubType ? 3 : 2;
  for (const { field, kind } of fields) {
    const contents = groups[group] as string | undefined;
    group += 1;
    const value = contents === undefined ? null : valueOf(kind, contents);
    // A missing one has matched, so it may be missing.
    if (value === null && contents !== undefined) return null;
    message[field] = value;
  }
  const tail = groups[group] as string | undefined;
  if (tail === undefined) return message as unknown as Message;
  const x = extensionsInOrder(tail);
  if (x === null) return null;
  message['x'] = x;
  return message as unknown as Message;
}

/** The value of a contents that looks like one of its kind; null when it is none after all, or not written as `encode` does. */
function valueOf(kind: FieldKind, contents: string): unknown {
  switch (kind) {
    case 'name':
    case 'plug':
      return contents;
    case 'id':
    case 'status':
      return Number(contents);
    case 'port': {
      const port = Number(contents);
      return port <= PORT_MAX ? port : null;
    }
    case 'address':
      return contents.includes(':') && canonicalAddress(contents) !== contents ? null : contents;
    case 'names':
    case 'sockets':
    case 'plugs':
      return readContents(kind, contents);
  }
}

/** The x_ lines behind the fields; null when there is anything else. */
function extensionsInOrder(tail: string): Extensions | null {
  const x: Record<string, string> = {};
  for (const line of tail.split(SEPARATOR)) {
    const colon = line.indexOf(': ');
    const name = line.slice(0, colon);
    const contents = line.slice(colon + 2);
    const isPlain = contents !== '' && contents.trim() === contents && !contents.includes('~');
    if (colon === -1 || !isPlain || !Object.hasOwn(EXTENSION_LINES, name) || Object.hasOwn(x, name)) return null;
    x[name] = contents;
  }
  return x;
}

function plansByLength(): Plan[][] {
  const plans: Plan[][] = [];
  for (const type of MESSAGE_TYPES) (plans[TYPE.length + type.length] ??= []).push(planOf(type));
  return Array.from(plans, (some) => some ?? []);
}

function planOf(type: MessageType): Plan {
  const { hops, fields } = rowOf(type);
  const hasSubType = hops.some(({ subType }) => subType !== null);
  const kinds = fields.map((field) => ({ field, kind: FIELD_KINDS[field] }));
  return { type, reads: 0, pattern: null, hasSubType, fields: kinds };
}

function patternOf(type: MessageType): RegExp {
  const { hops, fields, blank } = rowOf(type);
  const subTypes = hops.flatMap(({ subType }) => (subType === null ? [] : [subType]));
  const lines = [`${TYPE}${type}`, `message_id: ${PATTERNS.id}`];
  if (subTypes.length > 0) lines.push(`sub_type: (${subTypes.join('|')})`);
  for (const field of fields)
    lines.push(`${field}: ${PATTERNS[FIELD_KINDS[field]]}${blank.includes(field) ? '?' : ''}`);
  return new RegExp(`^${lines.join(SEPARATOR)}(?: ~ (x_[\\x20-\\x7e]*))?$`);
}
