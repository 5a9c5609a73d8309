/**
 * Which rows of which tables a run has reached.
 *
 * Lives here: the tables, as the cores export them, and noting rows as machines step. Does not live here: the counts of
 * many runs (sim-cli/). A change of state that is no row of its table is a broken law (laws/lives.ts); a row that no
 * seed reaches is a hole in the simulator.
 */
import { LIFE, LINK_LIFE as AGENT_LINK_LIFE, type AgentState } from '../agent/core/state.ts';
import { AGENT_LIFE, INSTANCE_LIFE } from '../manager/core/state.ts';
import { ENDING_LIFE, LINK_LIFE, type InstanceState } from '../services/kit/core/state.ts';
import { STATUS } from '../ssmmp/core/status.ts';
import type { Stepped } from './process.ts';

/** Rows that no run can reach, each with its reason: no honest peer of ours makes them. */
export const UNREACHED: Readonly<Record<string, string>> = {
  'link of an agent: checking → ended': 'a child is looked for at once, and a signal does not come between',
  'initiation_response 400': 'our agents write nothing unreadable',
  'initiation_response 401': 'no list of admitted agents yet',
  'initiation_response 403': 'our agents tell their own address',
  'initiation_response 503': 'no cluster has four thousand nodes',
  'instance at its agent: starting → stopping': 'our Manager kills what it does not want before it is on',
  'instance at its agent: stopping → ready': 'our services never say that they are busy',
  'execution_response 400': 'our Manager writes nothing unreadable',
  'execution_response 404': 'every node has every service',
  'execution_response 421': 'our Manager asks the right node',
  'session_response 400': 'our instances write nothing unreadable',
  'session_response 429': 'nobody has a thousand requests under way',
  'source_service_session_close_response 400': 'our Manager writes nothing unreadable',
  'dest_service_session_close_response 400': 'our Manager writes nothing unreadable',
  'graceful_shutdown_response 400': 'our Manager writes nothing unreadable',
  'graceful_shutdown_response 409': 'our services never say that they are busy',
  'hard_shutdown_response 400': 'our Manager writes nothing unreadable',
  'hard_shutdown_response 500': 'SIGKILL always works here',
  'service_instance_health_response 400': 'our Manager writes nothing unreadable',
  'service_instance_health_response 500': 'our services do not call themselves degraded',
  'agent_health_control_response 199': 'no node has a thousand instances',
  'agent_health_control_response 400': 'our Manager writes nothing unreadable',
};

const PROCESS = 'instance at its agent';
const AGENT_LINK = 'link of an agent';
const INSTANCE_LINK = 'link of an instance';
const ENDING = 'end of an instance';
const INSTANCE = 'instance at the Manager';
const AGENT = 'agent at the Manager';

/** Every row of every table. */
export const ROWS: readonly string[] = [
  ...changes(INSTANCE, INSTANCE_LIFE),
  ...changes(AGENT, AGENT_LIFE),
  ...changes(PROCESS, LIFE),
  ...changes(AGENT_LINK, AGENT_LINK_LIFE),
  ...changes(INSTANCE_LINK, LINK_LIFE),
  ...changes(ENDING, ENDING_LIFE),
  ...Object.entries(STATUS).flatMap(([type, codes]) => Object.keys(codes).map((code) => `${type} ${code}`)),
];

const MESSAGE = /^type: (\w+) .* status: (\d+)/;

interface Told {
  readonly kind: string;
  readonly line?: string;
  readonly event?: { readonly what: string; readonly text: string; readonly data: Readonly<Record<string, unknown>> };
}

/** Notes rows. One for a run; it is told of every step. */
export class Coverage {
  readonly rows = new Map<string, number>();
  /** A change that is no row of its table. */
  stray: string | null = null;
  private readonly known = new Set(ROWS);
  private readonly processes = new Map<number, Map<number, string>>();
  private readonly links = new Map<number, string>();
  private readonly endings = new Map<number, string>();

  step({ process, state, effects }: Stepped): void {
    for (const effect of effects as readonly Told[]) {
      if (effect.kind === 'send' && effect.line !== undefined) this.message(effect.line);
      else if (effect.kind === 'event' && effect.event !== undefined) this.event(effect.event);
    }
    if (process.kind === 'agent') this.agent(process.pid, state as AgentState);
    else if (process.kind === 'instance') this.instance(process.pid, state as InstanceState);
  }

  private message(line: string): void {
    const found = MESSAGE.exec(line);
    if (found === null) return;
    const row = `${found[1] ?? ''} ${found[2] ?? ''}`;
    if (this.known.has(row)) this.rows.set(row, (this.rows.get(row) ?? 0) + 1);
  }

  private event({ what, text, data }: NonNullable<Told['event']>): void {
    if (what === 'instance' && typeof data['before'] === 'string')
      this.change(INSTANCE, data['before'], String(data['status']));
    if (what !== 'agent') return;
    const changed = / (\w+) → (\w+)/.exec(text);
    if (changed !== null) return this.change(AGENT, changed[1] ?? '', changed[2] ?? '');
    const was = / registered as node .*, was (\w+)/.exec(text);
    if (was !== null) this.change(AGENT, was[1] ?? '', 'registered');
  }

  private agent(pid: number, { instances, link }: AgentState): void {
    this.link(AGENT_LINK, pid, 'checking', link.status);
    let before = this.processes.get(pid);
    if (before === undefined) this.processes.set(pid, (before = new Map()));
    for (const [id, { status }] of instances) {
      const then = before.get(id);
      if (then !== undefined && then !== status) this.change(PROCESS, then, status);
      if (then !== status) before.set(id, status);
    }
    if (before.size === instances.size) return;
    for (const [id, then] of before) {
      if (instances.has(id)) continue;
      // One that goes without a word more ends and is forgotten in one step.
      if (then !== 'ended' && then !== 'probing' && then !== 'checking') this.change(PROCESS, then, 'ended');
      before.delete(id);
    }
  }

  private instance(pid: number, { link, ending }: InstanceState): void {
    this.link(INSTANCE_LINK, pid, 'idle', link);
    const phase = ending?.phase ?? 'none';
    const before = this.endings.get(pid) ?? 'none';
    if (before === phase) return;
    this.endings.set(pid, phase);
    // Phases with nothing to do pass within one step.
    if (phase === 'plugs' && before === 'none') this.change(ENDING, 'none', 'sockets', 'plugs');
    else if (phase === 'over' && before !== 'service') this.change(ENDING, before, 'service', 'over');
    else this.change(ENDING, before, phase);
  }

  private link(table: string, pid: number, first: string, status: string): void {
    const before = this.links.get(pid) ?? first;
    if (before === status) return;
    this.links.set(pid, status);
    this.change(table, before, status);
  }

  private change(table: string, ...statuses: string[]): void {
    for (let at = 1; at < statuses.length; at += 1) {
      const row = rowOf(table, statuses[at - 1] ?? '', statuses[at] ?? '');
      if (!this.known.has(row)) this.stray ??= row;
      this.rows.set(row, (this.rows.get(row) ?? 0) + 1);
    }
  }
}

function changes(table: string, life: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(life).flatMap(([before, after]) => after.map((status) => rowOf(table, before, status)));
}

function rowOf(table: string, before: string, after: string): string {
  return `${table}: ${before} → ${after}`;
}
