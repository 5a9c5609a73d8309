/**
 * Names, ids and numbers as SSMMP writes them, and the limits they have.
 *
 * Lives here: the alphabet of names (R06), the range of ids (R03), limits of a message (R07). Does not
 * live here: who chooses an id.
 */

/** Longest message in bytes, its LF not counted (R07). */
export const MESSAGE_BYTES_MAX = 64 * 1024;
/** Most lines in one message (R07). */
export const MESSAGE_LINES_MAX = 64;
/** The unreadable message of one connection that closes it (R03). */
export const UNREADABLE_MESSAGES_MAX = 3;

/** First message_id of an instance and of the Manager; agents, who only ever start registrations, count from 1. */
export const FIRST_MESSAGE_ID = { instance: 1000, Manager: 30000, agent: 1 } as const;
/** The message_id of an instance's hello (R25). */
export const HELLO_MESSAGE_ID = 1;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const DIGITS = /^[0-9]{1,16}$/;

/** Is this a name of a service, a socket or a plug (R06)? */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** A positive integer up to 2^53-1 written in digits, or null (R03). */
export function parseId(text: string): number | null {
  if (!DIGITS.test(text)) return null;
  const value = Number(text);
  return value >= 1 && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

/** A port from 1 to 65535, or null. */
export function parsePort(text: string): number | null {
  const value = parseId(text);
  return value !== null && value <= 65535 ? value : null;
}

/** A status code from 100 to 599, or null. */
export function parseStatus(text: string): number | null {
  const value = parseId(text);
  return value !== null && value >= 100 && value <= 599 ? value : null;
}
