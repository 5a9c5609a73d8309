/**
 * What a cluster left in its state directory: messages, events, what its stores hold. It may run still or be over.
 *
 * Lives here: reading. Does not live here: any expectation.
 *
 * Theory. A text that looks right proves nothing; the Manager's journal (every input it got and every effect, each line with
 * its checksum) and the agents' traces show what happened. Both are only read, so looking changes nothing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from '../../../ssmmp/core/codec.ts';
import { exchangeOf } from '../../../ssmmp/core/exchange.ts';
import { mergeTraces } from '../../../ssmmp/core/trace-merge.ts';
import { readTraceLine } from '../../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';
import { readHistory } from '../../../ssmmp/shell/journal-history.ts';
import type { LabEvent } from '../core/event.ts';
import { withoutHealth } from '../core/sequence.ts';

/** A record of the Manager's journal, as far as labs look into it. */
export interface JournalRecord {
  readonly n: number;
  readonly in: Readonly<Record<string, unknown>> & { readonly kind: string; readonly at: number };
  readonly out: readonly (Readonly<Record<string, unknown>> & { readonly kind: string })[];
}

export interface Evidence {
  readonly stateDir: string;
  /** Every message on every hop, cause before effect (not always in the order of times), health included. */
  readonly trace: readonly TraceEntry[];
  readonly events: readonly LabEvent[];
  readonly journal: readonly JournalRecord[];
  /** Lines of the journal that were not sound. */
  readonly damaged: number;
  /** Everything that a store has on disk, as one text. */
  stored(service: string): string;
}

/** Reads a state directory; null where no cluster was ever started from it. */
export async function readEvidence(stateDir: string): Promise<Evidence | null> {
  if (!existsSync(join(stateDir, 'journal'))) return null;
  const { records, damaged } = await readJournal(join(stateDir, 'journal'));
  return {
    stateDir,
    trace: mergeTraces({ agents: nodeFolders(stateDir).map(readNodeTrace), manager: managerTrace(records) }),
    events: eventsOf(records),
    journal: records,
    damaged,
    stored: (service) => storedText(join(stateDir, 'baas', service)),
  };
}

/** Agents write their traces a little late, so what happened just now may not be there yet. */
const FRESH_MS = 3_000;
const AGAIN_MS = 600;
const TRIES = 6;

/** The same, of a cluster in which something may have happened a moment ago: reads until nothing but health is added. */
export async function readSettledEvidence(stateDir: string): Promise<Evidence | null> {
  let evidence = await readEvidence(stateDir);
  for (let tries = 0; evidence !== null && tries < TRIES; tries += 1) {
    const before = withoutHealth(evidence.trace);
    const last = before.at(-1);
    if (last === undefined || Date.now() - Date.parse(last.time) > FRESH_MS) return evidence;
    await sleep(AGAIN_MS);
    evidence = await readEvidence(stateDir);
    if (evidence !== null && withoutHealth(evidence.trace).length === before.length) return evidence;
  }
  return evidence;
}

async function readJournal(folder: string): Promise<{ records: JournalRecord[]; damaged: number }> {
  const records: JournalRecord[] = [];
  let damaged = 0;
  for await (const part of readHistory({ folder })) {
    damaged += part.damaged;
    for (const text of part.records) records.push(JSON.parse(text) as JournalRecord);
  }
  return { records, damaged };
}

function eventsOf(records: readonly JournalRecord[]): LabEvent[] {
  return records.flatMap(({ in: { at }, out }) =>
    out.filter(({ kind }) => kind === 'event').map(({ event }) => ({ ...(event as Omit<LabEvent, 'at'>), at })),
  );
}

/** The Manager's own part of the trace: what it received and sent, in the order of its journal. */
function managerTrace(records: readonly JournalRecord[]): TraceEntry[] {
  const agents = new Map<number, string>();
  const entries: TraceEntry[] = [];
  for (const { in: input, out } of records) {
    const time = new Date(input.at).toISOString();
    const add = (connection: number, line: string, isSent: boolean): void => {
      const agent = agents.get(connection) ?? `connection ${connection}`;
      const decoded = decode(line);
      const exchange = (decoded.ok ? exchangeOf(decoded.message, agent) : null) ?? '-';
      const [from, to] = isSent ? ['Manager', agent] : [agent, 'Manager'];
      entries.push({ time, hop: 'agent-Manager', from, to, exchange, message: line });
    };
    if (input.kind === 'manager_started') agents.clear();
    else if (input.kind === 'connection_opened') agents.set(Number(input['connection']), String(input['address']));
    else if (input.kind === 'connection_closed') agents.delete(Number(input['connection']));
    else if (input.kind === 'line_received') add(Number(input['connection']), String(input['line']), false);
    for (const effect of out)
      if (effect.kind === 'send') add(Number(effect['connection']), String(effect['line']), true);
  }
  return entries;
}

function nodeFolders(stateDir: string): string[] {
  const nodes = join(stateDir, 'nodes');
  return existsSync(nodes) ? readdirSync(nodes).map((name) => join(nodes, name)) : [];
}

/** An agent turns its trace over at a limit: the part before has .1 behind its name. */
function readNodeTrace(folder: string): TraceEntry[] {
  return ['trace.jsonl.1', 'trace.jsonl']
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .map(readTraceLine)
    .filter((entry) => entry !== null);
}

function storedText(folder: string): string {
  if (!existsSync(folder)) return '';
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}
