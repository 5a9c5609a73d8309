/**
 * A run as a sequence diagram: who said what to whom, and what went wrong meanwhile.
 *
 * Lives here: collecting the last lines of a run, as text or for mermaid. Does not live here: the run. Health requests and
 * their answers are left out: they are most of all messages and tell nothing.
 */
import type { AgentState } from '../agent/core/state.ts';
import type { ManagerState } from '../manager/core/state.ts';
import { decode } from '../ssmmp/core/codec.ts';
import type { InstanceProcess } from './instance-process.ts';
import type { SimProcess, Stepped } from './process.ts';
import type { Watcher } from './run.ts';
import type { Swarm } from './swarm.ts';
import type { World } from './world.ts';

export type DiagramFormat = 'text' | 'mermaid';

type Entry =
  | { readonly atMs: number; readonly from: string; readonly to: string; readonly text: string }
  | { readonly atMs: number; readonly over: string; readonly text: string };

/** Entries that are kept: the last ones tell most. */
const ENTRIES_MAX = 400;

export class Diagram implements Watcher {
  private readonly entries: Entry[] = [];
  private beginUs = 0;
  private about = '';

  begun(world: World, swarm: Swarm): void {
    this.beginUs = world.nowUs;
    const { nodes, users } = swarm.world;
    this.about = `graph ${swarm.graph}, ${nodes} nodes, ${users} users`;
  }

  fault(world: World, text: string): void {
    this.add({ atMs: this.atMs(world), over: 'world', text });
  }

  stepped(world: World, { process, state, input, effects }: Stepped): void {
    const atMs = this.atMs(world);
    if (input.kind === 'line_received') this.message(atMs, process, state, input as unknown as Received);
    else if (TOLD.has(input.kind)) this.add({ atMs, over: process.name, text: input.kind.replaceAll('_', ' ') });
    for (const effect of effects as readonly Effect[]) {
      const told = effect.kind === 'event' && effect.event?.what !== 'protocol' ? effect.event?.text : undefined;
      if (told !== undefined) this.add({ atMs, over: process.name, text: told });
      if (effect.kind === 'spawn')
        this.add({ atMs, over: process.name, text: `starts ${effect.args?.slice(0, 2).join('/') ?? ''}` });
    }
  }

  /** The last `most` entries. */
  print(format: DiagramFormat, most: number): string {
    const entries = this.entries.slice(-most);
    const left = this.entries.length - entries.length;
    const header = `${this.about}${left > 0 ? `; ${left} entries before these are left out` : ''}`;
    return format === 'text'
      ? [header, ...entries.map(asText)].join('\n')
      : ['sequenceDiagram', `  %% ${header}`, ...entries.map(asMermaid)].join('\n');
  }

  private message(atMs: number, process: SimProcess, state: unknown, { connection, line }: Received): void {
    const decoded = decode(line);
    if (!decoded.ok) return;
    const { message } = decoded;
    if (message.type.includes('health')) return;
    const status = 'status' in message ? ` ${message.status}` : '';
    const text = `${message.type}${status} (${message.message_id})`;
    this.add({ atMs, from: peerOf(process, state, connection), to: process.name, text });
  }

  private add(entry: Entry): void {
    this.entries.push(entry);
    if (this.entries.length > 2 * ENTRIES_MAX) this.entries.splice(0, ENTRIES_MAX);
  }

  private atMs(world: World): number {
    return (world.nowUs - this.beginUs) / 1000;
  }
}

interface Received {
  readonly connection: number;
  readonly line: string;
}

interface Effect {
  readonly kind: string;
  readonly event?: { readonly what: string; readonly text: string };
  readonly args?: readonly string[];
}

/** Inputs that are worth a line of their own. */
const TOLD = new Set([
  'manager_started',
  'agent_started',
  'process_ended',
  'connection_closed',
  'agent_closed',
  'stop_asked',
  'dial_failed',
  'session_accepted',
]);

function peerOf(process: SimProcess, state: unknown, connection: number): string {
  if (process.kind === 'manager') {
    const { address } = (state as ManagerState).connections.get(connection) ?? { address: '?' };
    return `agent ${Number(address.split('.').at(-1)) - 10}`;
  }
  if (process.kind === 'instance') return `agent ${(process as InstanceProcess).node}`;
  const { link, connections, instances } = state as AgentState;
  if (link.connection === connection) return 'Manager';
  const id = connections.get(connection)?.instance ?? 0;
  const instance = instances.get(id);
  return instance === undefined ? 'somebody' : `${instance.service}/${id}`;
}

function asText(entry: Entry): string {
  const at = entry.atMs.toFixed(1).padStart(9);
  if ('from' in entry) return `${at}  ${entry.from} → ${entry.to}: ${entry.text}`;
  return entry.over === 'world' ? `${at}  *** ${entry.text}` : `${at}  ${entry.over}: ${entry.text}`;
}

function asMermaid(entry: Entry): string {
  const text = entry.text.replaceAll(';', ',').replaceAll('#', '');
  if ('from' in entry) return `  ${entry.from}->>${entry.to}: ${text}`;
  return `  Note over ${entry.over === 'world' ? 'Manager' : entry.over}: ${entry.over === 'world' ? '⚡ ' : ''}${text}`;
}
