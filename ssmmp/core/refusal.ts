/**
 * The answer to a message that cannot be read or may not be sent: the matching response with a status.
 *
 * Lives here: building that response from what could be read. Does not live here: counting offences
 * (offences are the receiver's, with UNREADABLE_MESSAGES_MAX).
 */
import {
  CATALOG,
  FIELD_KINDS,
  isMessageType,
  rowOf,
  subTypeOn,
  type FieldName,
  type Message,
  type MessageType,
  type Party,
} from './catalog.ts';
import { canonicalAddress } from './address.ts';
import { isName, parseId, parsePort } from './names.ts';

/**
 * The response to a request of `type` with `status`, its other fields taken from `lines` where the
 * request has them, else empty. Null where the type has no response, or `from` cannot send it to `to`.
 */
export function refusal(
  type: MessageType | null,
  messageId: number | null,
  lines: ReadonlyMap<string, string>,
  status: number,
  from: Party,
  to: Party,
): Message | null {
  const response = type === null ? null : CATALOG[type].response;
  if (response === null || messageId === null || !isMessageType(response)) return null;
  const subType = subTypeOn(response, from, to);
  if (subType === undefined) return null;
  const message: Record<string, unknown> = { type: response, message_id: messageId, sub_type: subType };
  const row = rowOf(response);
  for (const field of row.fields) {
    const value = field === 'status' ? status : echo(field, lines.get(field) ?? '');
    if (value === null && !row.blank.includes(field)) return null;
    message[field] = value;
  }
  return message as unknown as Message;
}

function echo(field: FieldName, contents: string): string | number | null {
  switch (FIELD_KINDS[field]) {
    case 'id':
      return parseId(contents);
    case 'port':
      return parsePort(contents);
    case 'address':
      return canonicalAddress(contents);
    case 'name':
    case 'plug':
      return isName(contents) ? contents : null;
    case 'names':
    case 'sockets':
    case 'plugs':
    case 'status':
      return null;
  }
}
