/**
 * What the trace says about sessions, for lab 1: which were opened and how they ended, in the roles that predictions use.
 *
 * Lives here: finding them. Does not live here: what was predicted (check.ts).
 */
import { linesOf, typeOf, withoutHealth } from '../runner/api.ts';
import type { Evidence, TraceEntry } from '../runner/api.ts';

export type Ending = 'dest-killed' | 'source-killed' | 'manager-closes';

export interface SeenSession {
  /** `addr:port-addr:port`, as `ssmmp trace --session` takes it. */
  readonly key: string;
  readonly source: string;
  readonly dest: string;
  readonly opening: readonly TraceEntry[];
  readonly closing: readonly TraceEntry[];
  readonly ending: Ending | null;
}

/** The sessions of one plug, in the order in which they were opened. */
export function sessionsOf({ trace }: Evidence, plug: string): SeenSession[] {
  const all = withoutHealth(trace);
  const killed = new Set(all.filter(isKilled).map(({ message }) => nameOfKilled(message)));
  const opened = all.filter(
    ({ hop, message }) =>
      hop === 'instance-agent' &&
      typeOf(message) === 'session_request' &&
      linesOf(message).get('source_plug_name') === plug,
  );
  return opened.flatMap(({ exchange }) => {
    const opening = all.filter((entry) => entry.exchange === exchange);
    const facts = new Map(opening.flatMap(({ message }) => [...linesOf(message)].filter(([, value]) => value !== '')));
    if (!opening.some(({ message }) => typeOf(message) === 'session_ack')) return [];
    const fact = (name: string): string => facts.get(name) ?? '';
    const source = `${fact('source_service_name')}/${fact('source_service_instance_id')}`;
    const dest = `${fact('dest_service_name')}/${fact('dest_service_instance_id')}`;
    const ports = [fact('source_plug_port'), fact('dest_socket_port')];
    const key = `${fact('source_service_instance_network_address')}:${ports[0] ?? ''}-${fact('dest_service_instance_network_address')}:${ports[1] ?? ''}`;
    const later = all.slice(all.indexOf(opening.at(-1) as TraceEntry) + 1);
    const closing = closingOf(later, fact('source_service_instance_network_address'), ports);
    const ending = endingOf(closing, source, dest, killed);
    return [{ key, source, dest, opening, closing, ending }];
  });
}

/** Messages that close the session with these ports: closes name them, answers to the Manager share the exchange. */
function closingOf(later: readonly TraceEntry[], address: string, ports: readonly string[]): TraceEntry[] {
  const exchanges = new Set(
    later
      .filter(({ message }) => {
        const lines = linesOf(message);
        return (
          typeOf(message).includes('_session_close_') &&
          lines.get('source_service_instance_network_address') === address &&
          lines.get('source_plug_port') === ports[0] &&
          (lines.get('dest_socket_port') ?? ports[1]) === ports[1]
        );
      })
      .map(({ exchange }) => exchange),
  );
  return later.filter(
    ({ exchange, message }) => exchanges.has(exchange) && typeOf(message).includes('_session_close_'),
  );
}

/**
 * By who speaks, and not by times, which say little on a busy machine: an end that was killed says nothing about its session, and
 * the other end does, asked or unasked (its agent may be quicker to tell the Manager of the death). Where both ends live, both
 * speak. What the messages say of the reason does not help: the end of a killed process's connection looks like any other.
 */
function endingOf(
  closing: readonly TraceEntry[],
  source: string,
  dest: string,
  killed: ReadonlySet<string>,
): Ending | null {
  const [spokeSource, spokeDest] = [source, dest].map((name) => closing.some(({ from }) => from === name));
  if (spokeSource && !spokeDest && killed.has(dest)) return 'dest-killed';
  if (spokeDest && !spokeSource && killed.has(source)) return 'source-killed';
  const isAsked = closing.some(({ message }) => typeOf(message) === 'source_service_session_close_request');
  return isAsked ? 'manager-closes' : null;
}

function isKilled({ message }: TraceEntry): boolean {
  return (linesOf(message).get('x_exit') ?? '').startsWith('signal');
}

function nameOfKilled(message: string): string {
  const lines = linesOf(message);
  return `${lines.get('service_name') ?? ''}/${lines.get('service_instance_id') ?? ''}`;
}

/** `source -> agent session_request`: a message in the words of a prediction. */
export function inRoles(entry: TraceEntry, source: string, dest: string): string {
  const role = (name: string): string =>
    name === 'Manager'
      ? 'Manager'
      : name === source
        ? 'source'
        : name === dest
          ? 'dest'
          : name.includes('/')
            ? name
            : 'agent';
  return `${role(entry.from)} -> ${role(entry.to)} ${typeOf(entry.message)}`;
}
