/**
 * What the trace says about sessions, for lab 1: which were opened and how they ended, in the roles that predictions use.
 *
 * Lives here: finding them. Does not live here: what was predicted (check.ts).
 */
import { linesOf, typeOf, withoutHealth } from '../runner/api.ts';
import type { Evidence, TraceEntry } from '../runner/api.ts';

/** A close that begins so near to the report of a death was caused by it. */
const SAME_CAUSE_MS = 1000;

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
  const killed = new Map(
    all.filter(isKilled).map(({ message, time }) => [instanceOf(message, 'service_name', 'service_instance_id'), time]),
  );
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
    const closing = closingOf(all, fact('source_service_instance_network_address'), ports, opening.at(-1)?.time ?? '');
    const ending = endingOf(closing, killed.get(source), killed.get(dest));
    return [{ key, source, dest, opening, closing, ending }];
  });
}

/** Messages that close the session with these ports: closes name them, answers to the Manager share the exchange. */
function closingOf(all: readonly TraceEntry[], address: string, ports: readonly string[], after: string): TraceEntry[] {
  const exchanges = new Set(
    all
      .filter(({ message, time }) => {
        const lines = linesOf(message);
        return (
          time >= after &&
          typeOf(message).includes('_session_close_') &&
          lines.get('source_service_instance_network_address') === address &&
          lines.get('source_plug_port') === ports[0] &&
          (lines.get('dest_socket_port') ?? ports[1]) === ports[1]
        );
      })
      .map(({ exchange }) => exchange),
  );
  return all.filter(({ exchange, message }) => exchanges.has(exchange) && typeOf(message).includes('_session_close_'));
}

/**
 * By its cause, not by its messages: when a process dies, its agent and the other end of the connection both tell the Manager,
 * and what follows depends on who is quicker.
 */
function endingOf(
  closing: readonly TraceEntry[],
  sourceDied: string | undefined,
  destDied: string | undefined,
): Ending | null {
  const began = Date.parse(closing[0]?.time ?? '');
  const isBy = (died: string | undefined): boolean =>
    died !== undefined && Math.abs(began - Date.parse(died)) < SAME_CAUSE_MS;
  if (isBy(destDied)) return 'dest-killed';
  if (isBy(sourceDied)) return 'source-killed';
  const isAsked = closing.some(({ message }) => typeOf(message) === 'source_service_session_close_request');
  return isAsked ? 'manager-closes' : null;
}

function isKilled({ message }: TraceEntry): boolean {
  return (linesOf(message).get('x_exit') ?? '').startsWith('signal');
}

function instanceOf(message: string, name: string, id: string): string {
  const lines = linesOf(message);
  return `${lines.get(name) ?? ''}/${lines.get(id) ?? ''}`;
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
