/**
 * Cold starts in a trace, for lab 2: sessions of the gateway that had to wait for a new instance of table.
 *
 * Lives here: finding them, and their times. Does not live here: what a student wrote (check.ts).
 */
import { linesOf, typeOf, withoutHealth } from '../runner/api.ts';
import type { Evidence, TraceEntry } from '../runner/api.ts';

export interface ColdStart {
  readonly exchange: string;
  readonly waitedMs: number;
  readonly startingMs: number;
  readonly messages: readonly TraceEntry[];
}

/** In the order of the trace. */
export function coldStartsOf({ trace }: Evidence): ColdStart[] {
  const all = withoutHealth(trace);
  const requests = all.filter(
    ({ hop, message }) =>
      hop === 'instance-agent' &&
      typeOf(message) === 'session_request' &&
      linesOf(message).get('source_plug_name') === 'table-plug',
  );
  return requests.flatMap(({ exchange }) => {
    const own = all.filter((entry) => entry.exchange === exchange);
    const id = own
      .map(({ message }) => linesOf(message).get('dest_service_instance_id') ?? '')
      .find((text) => text !== '');
    const asked = all.find(
      ({ message }) => typeOf(message) === 'execution_request' && linesOf(message).get('service_instance_id') === id,
    );
    if (id === undefined || asked === undefined || asked.time < (own[0]?.time ?? '')) return [];
    const execution = all.filter((entry) => entry.exchange === asked.exchange);
    const answer = own.find(({ hop, message }) => hop === 'instance-agent' && typeOf(message) === 'session_response');
    const started = execution.find(({ message }) => typeOf(message) === 'execution_response');
    if (answer === undefined || started === undefined) return [];
    const messages = all.filter((entry) => own.includes(entry) || execution.includes(entry));
    return [
      { exchange, waitedMs: between(own[0] as TraceEntry, answer), startingMs: between(asked, started), messages },
    ];
  });
}

function between(from: TraceEntry, to: TraceEntry): number {
  return Date.parse(to.time) - Date.parse(from.time);
}
