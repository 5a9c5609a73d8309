/**
 * The trace: every SSMMP message that agents and Manager saw.
 *
 * Lives here: reading a line of trace.jsonl, choosing the messages of one session. Does not live here: one order for what
 * several processes saw (trace-merge.ts), files, pictures (operator/core/trace-render.ts).
 */
import { canonicalAddress, sessionKey, splitAddressPort } from './address.ts';

/** One message on one hop. `time` is ISO 8601 with milliseconds; `exchange` is `<originator>/<message_id>`, `-` where the line is no message. */
export interface TraceEntry {
  readonly time: string;
  readonly hop: string;
  readonly from: string;
  readonly to: string;
  readonly exchange: string;
  /** The line as it was on the wire, without its LF. */
  readonly message: string;
}

const SEPARATOR = ' ~ ';
const FIELDS = ['time', 'hop', 'from', 'to', 'exchange', 'message'] as const;

/** Reads one line of a trace file; null for one that is cut off or none. */
export function readTraceLine(line: string): TraceEntry | null {
  try {
    return readTraceEntry(JSON.parse(line));
  } catch {
    return null; // the last line of a process that was killed while it wrote
  }
}

/** Takes the fields of a trace entry out of a value of JSON; null when one is missing. */
export function readTraceEntry(value: unknown): TraceEntry | null {
  if (typeof value !== 'object' || value === null) return null;
  const entry: Record<string, unknown> = { ...value };
  entry['exchange'] ??= '-';
  if (!FIELDS.every((field) => typeof entry[field] === 'string')) return null;
  return Object.fromEntries(FIELDS.map((field) => [field, entry[field]])) as unknown as TraceEntry;
}

/** A session's KEY in canonical writing, or null when it is none. */
export function parseSessionKey(text: string): string | null {
  const match = /^(\[[^\]]+\]:\d+|[^-[\]]+:\d+)-(\[[^\]]+\]:\d+|[^-[\]]+:\d+)$/.exec(text);
  const [source, dest] = [splitAddressPort(match?.[1] ?? '', 0), splitAddressPort(match?.[2] ?? '', 0)];
  if (source === null || dest === null) return null;
  return sessionKey(source.address, source.port, dest.address, dest.port);
}

/**
 * The messages of one session: the exchange that opened it (request, response, acknowledgement) and those that
 * closed it, on all hops. `key` is canonical (`parseSessionKey`).
 */
export function entriesOfSession(entries: readonly TraceEntry[], key: string): TraceEntry[] {
  const factsByExchange = new Map<string, Map<string, string>>();
  for (const entry of entries) {
    const facts = factsByExchange.get(entry.exchange) ?? new Map<string, string>();
    factsByExchange.set(entry.exchange, facts);
    for (const [name, contents] of linesOf(entry.message)) if (contents !== '') facts.set(name, contents);
  }
  const wanted = new Set<string>();
  for (const [exchange, facts] of factsByExchange) if (keyOf(facts) === key) wanted.add(exchange);
  return entries.filter((entry) => wanted.has(entry.exchange));
}

/** The type of the message in a wire line, or `?`. */
export function typeOf(message: string): string {
  return linesOf(message).get('type') ?? '?';
}

/** The lines of a message, `name` to contents. The listing's stray spaces are read (R02). */
export function linesOf(message: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of message.split(SEPARATOR)) {
    const colon = line.indexOf(':');
    if (colon > 0) lines.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return lines;
}

/** The session that an exchange is about, from all that its messages say; null when they do not say enough. */
function keyOf(facts: ReadonlyMap<string, string>): string | null {
  const source = canonicalAddress(facts.get('source_service_instance_network_address') ?? '');
  const dest = canonicalAddress(facts.get('dest_service_instance_network_address') ?? '');
  const [sourcePort, destPort] = [Number(facts.get('source_plug_port')), Number(facts.get('dest_socket_port'))];
  if (source === null || dest === null || !(sourcePort > 0) || !(destPort > 0)) return null;
  return sessionKey(source, sourcePort, dest, destPort);
}
