/**
 * What the Manager's journal tells people: events, and the messages it sent and received.
 *
 * Lives here: reading records as events and as a trace. Does not live here: HTTP, the events of just now
 * (event-log.ts). Everything is lazy: a part of the journal is read when somebody wants its entries.
 */
import { decode } from '../../ssmmp/core/codec.ts';
import { exchangeOf } from '../../ssmmp/core/exchange.ts';
import type { JournalRecord } from '../../ssmmp/machine/journal.ts';
import type { HistoryOptions, HistoryPart } from '../../ssmmp/shell/journal-history.ts';
import type { ManagerEffect, ManagerEvent } from '../core/effects.ts';
import type { ManagerInput } from '../core/inputs.ts';
import type { ManagerState } from '../core/state.ts';

/** An event as operators see it. */
export interface TimedEvent {
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  readonly what: ManagerEvent['what'];
  readonly text: string;
  readonly data: ManagerEvent['data'];
}

/** One message that the Manager sent or received. */
export interface TraceEntry {
  readonly time: string;
  readonly hop: 'agent-Manager';
  /** `Manager` or the address of an agent (`address#x_node` where nodes share one). */
  readonly from: string;
  readonly to: string;
  /** Originator and message_id (R10); null for a line that is no message. */
  readonly exchange: string | null;
  /** The line as it was on the wire. */
  readonly message: string;
  /** Number of the journal's record, to go on from. */
  readonly record: number;
}

/** Where a journal's history is read from (JournalFile.history). */
export type ReadHistory = (options: Pick<HistoryOptions, 'holdsAll'>) => AsyncIterable<HistoryPart>;
type ManagerRecord = JournalRecord<ManagerInput, ManagerEffect>;

/** Written into the head of each segment of the journal. */
export interface ManagerMark {
  /** Which of two journals goes ahead (R51); a mark of an older version lacks it. */
  readonly epoch?: number;
  readonly nextEvent: number;
  readonly connections: readonly (readonly [id: number, agent: string])[];
}

/** Records looked at before others have their turn of the event loop. */
const RECORDS_A_TURN = 200;

export function markOf(state: ManagerState): ManagerMark {
  return {
    epoch: state.epoch,
    nextEvent: state.nextEvent,
    connections: [...state.connections.values()].map(({ id, agent, address }) => [id, agent ?? address]),
  };
}

export function timedEvent({ seq, what, text, data }: ManagerEvent, at: number): TimedEvent {
  return { seq, time: new Date(at).toISOString(), what, text, data };
}

/** Events with a number above `since`, up to `last`. */
export async function* eventsSince(read: ReadHistory, since: number, last: number): AsyncGenerator<TimedEvent> {
  const parts = read({ holdsAll: ({ mark }) => ((mark as ManagerMark | null)?.nextEvent ?? Infinity) <= since + 1 });
  for await (const { records } of parts)
    for (let index = 0; index < records.length; index += 1) {
      if (index % RECORDS_A_TURN === RECORDS_A_TURN - 1) await turn();
      const json = records[index] as string;
      if (!json.includes('"kind":"event"')) continue;
      const { in: input, out } = JSON.parse(json) as ManagerRecord;
      for (const effect of out) {
        if (effect.kind !== 'event' || effect.event.seq <= since) continue;
        if (effect.event.seq > last) return;
        yield timedEvent(effect.event, input.at);
      }
    }
}

export interface TraceQuery {
  /** Only messages after this time, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Only messages of records after this one. */
  readonly afterRecord: number;
  /** Nodes share an address (R16). */
  readonly sharedAddress: boolean;
}

/** Messages in the order of the journal. */
export async function* traceSince(read: ReadHistory, query: TraceQuery): AsyncGenerator<TraceEntry> {
  const { sinceMs, afterRecord } = query;
  const agents = new Map<number, string>();
  const parts = read({
    holdsAll: ({ at, firstRecord }) => (at !== null && at <= sinceMs) || firstRecord <= afterRecord + 1,
  });
  for await (const { head, records } of parts) {
    if (records.length === 0)
      for (const [id, agent] of (head.mark as ManagerMark | null)?.connections ?? []) agents.set(id, agent);
    for (let index = 0; index < records.length; index += 1) {
      if (index % RECORDS_A_TURN === RECORDS_A_TURN - 1) await turn();
      const record = JSON.parse(records[index] as string) as ManagerRecord;
      follow(agents, record.in, query.sharedAddress);
      if (record.n <= afterRecord || record.in.at <= sinceMs) continue;
      yield* messagesOf(record, agents);
    }
  }
}

/** Which connection is whose. */
function follow(agents: Map<number, string>, input: ManagerInput, sharedAddress: boolean): void {
  if (input.kind === 'connection_opened') agents.set(input.connection, input.address);
  else if (input.kind === 'manager_started') agents.clear();
  else if (input.kind === 'connection_closed') agents.delete(input.connection);
  else if (sharedAddress && input.kind === 'line_received' && input.line.startsWith('type: initiation_request')) {
    const decoded = decode(input.line);
    const node = decoded.ok ? decoded.message.x?.x_node : undefined;
    const address = agents.get(input.connection)?.split('#')[0];
    if (node !== undefined && address !== undefined) agents.set(input.connection, `${address}#${node}`);
  }
}

function* messagesOf({ n, in: input, out }: ManagerRecord, agents: Map<number, string>): Generator<TraceEntry> {
  const time = new Date(input.at).toISOString();
  const entry = (connection: number, line: string, isSent: boolean): TraceEntry => {
    const agent = agents.get(connection) ?? `connection ${connection}`;
    const decoded = decode(line);
    const exchange = decoded.ok ? exchangeOf(decoded.message, agent) : null;
    const [from, to] = isSent ? ['Manager', agent] : [agent, 'Manager'];
    return { time, hop: 'agent-Manager', from, to, exchange, message: line, record: n };
  };
  if (input.kind === 'line_received') yield entry(input.connection, input.line, false);
  for (const effect of out) if (effect.kind === 'send') yield entry(effect.connection, effect.line, true);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
