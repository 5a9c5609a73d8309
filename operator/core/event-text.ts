/**
 * Events of the Manager as lines of text.
 *
 * Lives here: the shape of an event and its line. Does not live here: the stream they come from.
 */
import type { Style } from './tables.ts';

/** Columns of a sequence number. */
const SEQ_WIDTH = 5;

/** One event; the Manager may add fields. `seq` counts up; `time` is ISO 8601. */
export interface OperatorEvent {
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  /** What the event is about, for programs: `service_name`, `service_instance_id`, `session` … */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** `12:00:00.123  instance_on  post/5 is on`; with its sequence number before it where `isWide`. */
export function eventText(event: OperatorEvent, style: Style, isWide = false): string {
  const number = isWide ? `${String(event.seq).padStart(SEQ_WIDTH)}  ` : '';
  return `${number}${style.faint(timeOfDay(event.time))}  ${style.heading(event.kind.padEnd(20))}  ${visible(event.text)}`.trimEnd();
}

/** `12:00:00.123` of an ISO time; the text itself when it is none. */
export function timeOfDay(time: string): string {
  return /T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(time)?.[1] ?? time;
}

/** Text that cannot steer a terminal: control characters are shown as their code. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16) ?? ''}}`);
}
