/**
 * What journal and traces say about a Manager that was away, and about one that came back from the past: for lab 6.
 *
 * Lives here: finding it. Does not live here: what a student wrote down (answers.ts, check.ts).
 *
 * While nobody writes the journal, the agents still write their traces and the stores their data: what went on meanwhile is
 * proven by those. An agent's trace has what any Manager said to it, also one whose journal lies elsewhere.
 */
import { linesOf, typeOf } from '../runner/api.ts';
import type { Evidence, LabEvent, TraceEntry } from '../runner/api.ts';

/** From the last thing that a Manager wrote down to the start of the next. */
export interface Absence {
  readonly fromAt: number;
  /** The event of the start. */
  readonly back: LabEvent;
  /** The number of that start's record. */
  readonly record: number;
  /** Why its state came from the mirror; null: it came from the journal. */
  readonly restored: string | null;
}

/** A session_request that was made while the Manager was away, and answered when it was back. */
export interface Waited {
  readonly exchange: string;
  readonly waitedMs: number;
  readonly messages: readonly TraceEntry[];
}

/** An agent was answered by a Manager whose epoch is over. */
export interface Refusal {
  readonly exchange: string;
  readonly agent: string;
  readonly at: number;
  readonly status: number;
  readonly epoch: number;
  /** The highest that any agent had seen. */
  readonly seenEpoch: number;
  readonly messages: readonly TraceEntry[];
}

/** Every start of the Manager but the first, in order. */
export function absencesOf({ journal, events }: Evidence): Absence[] {
  return journal.flatMap(({ n, in: input }, index) => {
    const before = journal[index - 1];
    if (input.kind !== 'manager_started' || before === undefined) return [];
    const back = events.find(({ what, at, data }) => what === 'manager' && at === input.at && 'epoch' in data);
    const restored = input['restored'];
    if (back === undefined) return [];
    return [{ fromAt: before.in.at, back, record: n, restored: typeof restored === 'string' ? restored : null }];
  });
}

/** Was it between the last word of one Manager and the first of the next? */
export function isWithin({ fromAt, back }: Absence, at: number): boolean {
  return fromAt < at && at < back.at;
}

/** The posts in the store: number → when each was stored. */
export function postsOf(evidence: Evidence): Map<number, number> {
  const posts = evidence.stored('posts-db').matchAll(/"key":"(\d+)","user":"[^"]*","time":"([^"]+)"/g);
  return new Map([...posts].map(([, key = '', time = '']) => [Number(key), Date.parse(time)]));
}

/** Requests of the gateway's `plug` that waited for the Manager. */
export function waitedOf({ trace }: Evidence, absence: Absence, plug: string): Waited[] {
  return trace.flatMap((request) => {
    const { hop, time, message, exchange } = request;
    if (hop !== 'instance-agent' || typeOf(message) !== 'session_request') return [];
    if (linesOf(message).get('source_plug_name') !== plug || !isWithin(absence, Date.parse(time))) return [];
    const messages = trace.filter((entry) => entry.exchange === exchange && entry.time >= time);
    const response = messages.find((entry) => entry.hop === hop && typeOf(entry.message) === 'session_response');
    if (response === undefined || linesOf(response.message).get('status') !== '200') return [];
    return [{ exchange, waitedMs: Date.parse(response.time) - Date.parse(time), messages }];
  });
}

/** Answers of a Manager with a lower epoch than one that was seen before. */
export function refusalsOf({ trace }: Evidence): Refusal[] {
  const refusals: Refusal[] = [];
  let seenEpoch = 0;
  for (const { hop, to, time, message, exchange } of trace) {
    if (hop !== 'agent-Manager' || typeOf(message) !== 'initiation_response') continue;
    const lines = linesOf(message);
    const epoch = Number(lines.get('x_epoch') ?? 0);
    if (epoch >= seenEpoch) {
      seenEpoch = epoch;
      continue;
    }
    const messages = trace.filter((entry) => entry.exchange === exchange && entry.time <= time).slice(-2);
    const status = Number(lines.get('status') ?? 0);
    refusals.push({ exchange, agent: to, at: Date.parse(time), status, epoch, seenEpoch, messages });
  }
  return refusals;
}
