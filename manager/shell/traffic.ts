/**
 * Counting what goes over the port for agents.
 *
 * Lives here: messages by type and direction, how long exchanges take. Does not live here: how that is told
 * (metrics.ts). Everything here is done for every message, so it looks at the text of a line and never decodes it.
 */
import { MESSAGE_TYPES, type MessageType } from '../../ssmmp/core/catalog.ts';

/** Exchanges under way that are timed; beyond it all are forgotten and timing starts afresh. */
export const TIMED_EXCHANGES_MAX = 50_000;

export type Direction = 'received' | 'sent';

/** What is told of each exchange that was answered. */
export type ExchangeTimed = (type: MessageType, seconds: number) => void;

const TYPE_AT = 'type: '.length;
const ID_AT = 'message_id: '.length;
const SEPARATOR = ' ~ ';
const SOURCE_ID = ' ~ source_service_instance_id: ';

/** The counts of one type. */
interface Row {
  readonly type: MessageType | null;
  readonly role: 'request' | 'response' | 'other';
  received: number;
  sent: number;
}

export class Traffic {
  private readonly rows = new Map<string, Row>();
  private readonly unreadable: Row = { type: null, role: 'other', received: 0, sent: 0 };
  /** Requests without their response: key, and when the request came or left. */
  private readonly open = new Map<string | number, number>();
  private readonly timed: ExchangeTimed;

  constructor(timed: ExchangeTimed) {
    this.timed = timed;
    for (const type of MESSAGE_TYPES) {
      const role = type.endsWith('_request') ? 'request' : type.endsWith('_response') ? 'response' : 'other';
      this.rows.set(type, { type, role, received: 0, sent: 0 });
    }
  }

  count(direction: Direction, line: string): void {
    const end = line.indexOf(SEPARATOR);
    const row = this.rows.get(end === -1 ? '' : line.slice(TYPE_AT, end)) ?? this.unreadable;
    row[direction] += 1;
    if (row.role === 'other' || row.type === null) return;
    const key = keyOf(row.type, line, end + SEPARATOR.length + ID_AT);
    if (row.role === 'request') {
      if (this.open.size >= TIMED_EXCHANGES_MAX) this.open.clear();
      this.open.set(key, performance.now());
      return;
    }
    const since = this.open.get(key);
    if (since === undefined) return;
    this.open.delete(key);
    this.timed(row.type, (performance.now() - since) / 1000);
  }

  /** Messages by type so far, `unreadable` for what shows none; types that never came are left out. */
  *counts(): Generator<{ type: string; direction: Direction; count: number }> {
    for (const row of [...this.rows.values(), this.unreadable])
      for (const direction of ['received', 'sent'] as const)
        if (row[direction] > 0) yield { type: row.type ?? 'unreadable', direction, count: row[direction] };
  }
}

/**
 * The same for a request and its response. Ids of session requests are their source's (R10). Made of numbers, not of
 * pieces of the line: a piece that is kept would keep all of a line of up to 64 KiB with it.
 */
function keyOf(type: MessageType, line: string, idAt: number): string | number {
  const id = numberAt(line, idAt);
  if (type !== 'session_request' && type !== 'session_response') return id;
  const from = line.indexOf(SOURCE_ID);
  return from === -1 ? id : `${numberAt(line, from + SOURCE_ID.length)}/${id}`;
}

function numberAt(line: string, from: number): number {
  const end = line.indexOf(SEPARATOR, from);
  return Number(line.slice(from, end === -1 ? undefined : end));
}
