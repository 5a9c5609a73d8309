/** Arbitrary messages for property tests, drawn from the catalog: each type, hop and field in turn. */
import fc from 'fast-check';
import {
  EXTENSION_LINES,
  FIELD_KINDS,
  MESSAGE_TYPES,
  rowOf,
  type FieldKind,
  type Message,
  type MessageType,
} from '../../../ssmmp/core/catalog.ts';
import { canonicalAddress } from '../../../ssmmp/core/address.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
const port = fc.integer({ min: 1, max: 65535 });
const address = fc
  .oneof(fc.ipV4(), fc.ipV6())
  .map((text) => canonicalAddress(text))
  .filter((text): text is string => text !== null);

const KINDS: Record<FieldKind, fc.Arbitrary<unknown>> = {
  address,
  names: fc.array(name, { maxLength: 5 }),
  status: fc.integer({ min: 100, max: 599 }),
  name,
  plug: fc.oneof(name, fc.constant('-')),
  id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  port,
  sockets: fc.array(fc.record({ socket: name, port }), { maxLength: 4 }),
  plugs: fc.array(fc.record({ plug: name, socket: name, service: name }), { maxLength: 4 }),
};

const extensions = fc.dictionary(
  fc.constantFrom(...Object.keys(EXTENSION_LINES)),
  fc.stringMatching(/^[!-}]([ -}]{0,20}[!-}])?$/),
  { maxKeys: 3, noNullPrototype: true },
);

function messageOf(type: MessageType): fc.Arbitrary<Message> {
  const row = rowOf(type);
  const fields = Object.fromEntries(
    row.fields.map((field) => {
      const value = KINDS[FIELD_KINDS[field]];
      return [field, row.blank.includes(field) ? fc.option(value, { nil: null }) : value];
    }),
  );
  return fc
    .tuple(
      fc.record(fields, { noNullPrototype: true }),
      KINDS.id,
      fc.constantFrom(...row.hops.map((hop) => hop.subType)),
      fc.option(extensions, { nil: null }),
    )
    .map(([values, message_id, sub_type, x]) => {
      const message: Record<string, unknown> = { type, message_id, sub_type, ...values };
      if (x !== null && Object.keys(x).length > 0) message['x'] = x;
      return message as unknown as Message;
    });
}

/** Any sound message of SSMMP/1.1. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(...MESSAGE_TYPES.map(messageOf));

/** Lines that are nearly messages: pieces of real ones cut, doubled and spoilt. */
export const nearlyLine = (encode: (message: Message) => string): fc.Arbitrary<string> =>
  fc
    .tuple(anyMessage, fc.nat(), fc.nat(), fc.string(), fc.constantFrom('cut', 'insert', 'double', 'replace', 'none'))
    .map(([message, a, b, junk, how]) => {
      const line = encode(message);
      const from = a % (line.length + 1);
      const to = from + (b % (line.length - from + 1));
      if (how === 'cut') return line.slice(0, from) + line.slice(to);
      if (how === 'insert') return line.slice(0, from) + junk + line.slice(from);
      if (how === 'double') return line.slice(0, to) + line.slice(from);
      if (how === 'replace') return line.slice(0, from) + junk + line.slice(to);
      return line;
    });
