/**
 * Counting what goes over the port for agents.
 *
 * Lives here: messages by type and direction, how long exchanges take. Does not live here: how that is told
 * (metrics.ts). Everything here is done for every message, so it looks at the text of a line and never decodes it.
 */
import { isMessageType, type MessageType } from '../../ssmmp/core/catalog.ts';

/** Exchanges under way that are timed; beyond it all are forgotten and timing starts afresh. */
export const TIMED_EXCHANGES_MAX = 50_000;

export type Direction = 'received' | 'sent';

/** What is told of each exchange that was answered. */
export type ExchangeTimed = (type: MessageType, seconds: number) => void;

const TYPE_AT = 'type: '.length;
const ID_AT = 'message_id: '.length;
const SEPARATOR = ' ~ ';
const SOURCE_ID = ' ~ source_service_instance_id: ';

export class Traffic {
  /** Messages by type (`unreadable` for what shows none). */
  readonly received = new Map<string, number>();
  readonly sent = new Map<string, number>();
  /** Requests without their response: key, and when the request came or left. */
  private readonly open = new Map<string, number>();
  private readonly timed: ExchangeTimed;

  constructor(timed: ExchangeTimed) {
    this.timed = timed;
  }

  count(direction: Direction, line: string): void {
    const end = line.indexOf(SEPARATOR);
    const word = line.startsWith('type: ') && end !== -1 ? line.slice(TYPE_AT, end) : '';
    const type = isMessageType(word) ? word : null;
    const counts = direction === 'sent' ? this.sent : this.received;
    const name = type ?? 'unreadable';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (type !== null) this.time(type, line, end + SEPARATOR.length + ID_AT);
  }

  private time(type: MessageType, line: string, idAt: number): void {
    if (type.endsWith('_request')) {
      if (this.open.size >= TIMED_EXCHANGES_MAX) this.open.clear();
      this.open.set(keyOf(type, line, idAt), performance.now());
    } else if (type.endsWith('_response')) {
      const key = keyOf(type, line, idAt);
      const since = this.open.get(key);
      if (since === undefined) return;
      this.open.delete(key);
      this.timed(type, (performance.now() - since) / 1000);
    }
  }
}

/** The same text for a request and its response. Ids of session requests are their source's (R10). */
function keyOf(type: MessageType, line: string, idAt: number): string {
  const end = line.indexOf(SEPARATOR, idAt);
  const id = line.slice(idAt, end === -1 ? undefined : end);
  if (type !== 'session_request' && type !== 'session_response') return id;
  const from = line.indexOf(SOURCE_ID);
  if (from === -1) return id;
  const stop = line.indexOf(SEPARATOR, from + SOURCE_ID.length);
  return `${line.slice(from + SOURCE_ID.length, stop === -1 ? undefined : stop)}/${id}`;
}
