/**
 * Text that keeps nothing else in memory.
 *
 * Lives here: the one copy, and when it pays. Does not live here: cutting (framing.ts), reading (codec.ts).
 *
 * Theory. A JavaScript engine does not copy the pieces of a string: a name of 13 letters cut from a message points into
 * the message, and the message into the 64 KiB that the socket handed over. Whoever keeps the name, in an event or a
 * table, keeps all of it. Honest peers never notice; a stranger who pads his messages made the Manager hold half a
 * gigabyte for 8,000 short events. So a line is cut loose from a chunk much longer than itself, and what is read from
 * a long line is cut loose from the line: a kept piece costs KEPT_SLACK_CHARS more than itself at most.
 */

/** So many characters may be kept alive by a piece of them, in each of the two cuts. */
export const KEPT_SLACK_CHARS = 1024;

/** The same text, of its own. Some 60 ns for a message. */
export function ownText(text: string): string {
  if (text.length < 2) return text;
  // Put together from two pieces and then looked into, an engine has to lay it out anew.
  const copy = text.slice(0, 1) + text.slice(1);
  copy.charCodeAt(0);
  return copy;
}

/** A piece that was cut from `whole`, of its own where it would keep much of that. */
export function cutLoose(piece: string, whole: string): string {
  return whole.length > piece.length + KEPT_SLACK_CHARS ? ownText(piece) : piece;
}

/** A plain value in which every text is its own. Slower; for what is rare. */
export function ownValue<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
