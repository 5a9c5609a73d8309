/**
 * Uploads and moves, as the chunk log of a store and the Manager's events tell of them.
 *
 * Lives here: reading both and putting them together. Does not live here: what is expected (check.ts).
 *
 * Theory. A chunk comes over a session, and a session belongs to one instance. So the log of the store, with the events, says
 * which instance brought which bytes: nothing that a service says about itself is needed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { typeOf, linesOf } from '../runner/api.ts';
import type { Evidence, LabEvent, TraceEntry } from '../runner/api.ts';
import { CHUNK_LOG } from './services/chunk-log.ts';
import type { ChunkLine } from './services/chunk-log.ts';

export interface Chunk extends ChunkLine {
  /** The instance that brought it, such as file-transfer/7; '' where no event tells. */
  readonly by: string;
}

/** Everything that came to a store, in its order. */
export function chunksOf({ stateDir, events }: Evidence, store: string): Chunk[] {
  const file = join(stateDir, 'baas', store, CHUNK_LOG);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const sessions = new Map<string, string>();
  for (const { what, text } of events) {
    const [, from, source] = /^(\S+)-\S+ on: (\S+) /.exec(what === 'session' ? text : '') ?? [];
    if (from !== undefined && source !== undefined) sessions.set(from, source);
  }
  return lines.map((text) => {
    const line = JSON.parse(text) as ChunkLine;
    return { ...line, by: sessions.get(line.from) ?? '' };
  });
}

/** The instances that brought bytes which were taken, in the order in which they came. */
export function bringersOf(chunks: readonly Chunk[]): string[] {
  return [...new Set(chunks.filter(({ taken }) => taken).map(({ by }) => by))];
}

/** A migration of file-transfer with an upload under way. */
export interface Move {
  readonly from: string;
  readonly to: string;
  /** The first chunk that came from the new instance, of an upload of which the old one had brought some. */
  readonly wentOnAt: number;
  /** The exchange by which the gateway's session was closed, and the one by which it got the next. */
  readonly closedBy: string;
  readonly reopenedBy: string;
  /** How long the old session took to close. */
  readonly drainedMs: number;
  readonly messages: readonly TraceEntry[];
}

/** Migrations of file-transfer in a cluster: the instances that were moved away, whether or not there was an upload. */
export function movedAwayOf({ events }: Evidence): string[] {
  return events.flatMap(({ text }) => {
    const [, from] = /^(file-transfer\/\d+) on → draining: migrates/.exec(text) ?? [];
    return from === undefined ? [] : [from];
  });
}

export function movesOf(evidence: Evidence): Move[] {
  const chunks = chunksOf(evidence, 'file-store');
  return movedAwayOf(evidence).flatMap((from) => {
    const old = chunks.filter(({ by }) => by === from);
    const upload = old.at(-1)?.upload;
    const after = chunks.slice(chunks.findLastIndex(({ by }) => by === from) + 1);
    const first = after.find((chunk) => chunk.upload === upload && chunk.by !== '');
    if (first === undefined) return [];
    return handoversOf(evidence, from, first.by).map((handover) => ({
      from,
      to: first.by,
      wentOnAt: first.offset,
      ...handover,
    }));
  });
}

type Handover = Pick<Move, 'closedBy' | 'reopenedBy' | 'drainedMs' | 'messages'>;

/** The gateway's session, closed to one instance and opened to another. */
function handoversOf({ events, trace }: Evidence, from: string, to: string): Handover[] {
  const opened = (to: string): LabEvent | undefined =>
    events.find(({ what, text }) => what === 'session' && text.includes(' file-plug ') && text.endsWith(` ${to}`));
  const [before, after] = [opened(from), opened(to)];
  const key = before?.text.split(' ')[0] ?? '';
  const [closing, ended] = ['closing', 'closed'].map((word) =>
    events.find(({ text }) => text.startsWith(`${key} ${word}`)),
  );
  const closed = trace.find(({ message }) => {
    const lines = linesOf(message);
    if (typeOf(message) !== 'source_service_session_close_request' || lines.get('source_plug_name') !== 'file-plug')
      return false;
    const source = `${lines.get('source_service_instance_network_address') ?? ''}:${lines.get('source_plug_port') ?? ''}`;
    return key.startsWith(`${source}-`);
  });
  const reopened = trace.find(({ message }) => {
    const lines = linesOf(message);
    const dest = `${lines.get('dest_service_name') ?? ''}/${lines.get('dest_service_instance_id') ?? ''}`;
    return typeOf(message) === 'session_response' && dest === to;
  });
  if (
    after === undefined ||
    closing === undefined ||
    ended === undefined ||
    closed === undefined ||
    reopened === undefined
  )
    return [];
  const exchanges = [closed.exchange, reopened.exchange];
  const messages = trace.filter(({ exchange }) => exchanges.includes(exchange));
  return [{ closedBy: closed.exchange, reopenedBy: reopened.exchange, drainedMs: ended.at - closing.at, messages }];
}
