/**
 * An agent's process: its machine, its connections, its children, its state file.
 *
 * Lives here: what agent/shell does, in a world without real processes. Does not live here: any decision (agent/core).
 * Effects are performed at once and in order; a fault may let the process die between two of them.
 */
import type { AgentEffect } from '../agent/core/effects.ts';
import type { AgentInput, AgentSettings } from '../agent/core/inputs.ts';
import { newAgentState, type AgentState } from '../agent/core/state.ts';
import { agentMachine } from '../agent/core/step.ts';
import type { SimEvent } from './events.ts';
import { InstanceProcess } from './instance-process.ts';
import type { Connection } from './network.ts';
import { SimProcess, type Unstamped } from './process.ts';
import { AGENT_PORT, MANAGER_PORT, type World } from './world.ts';

/** The end of a child is noticed within this time; that of an adopted one when it is looked for next. */
const REAP_US = 500;
const ADOPTED_CHECK_US = 200_000;
/** Looking at ports takes so long. */
const PROBE_US = 300;

/** Share of the agent's writes that survive a power cut. */
const SYNCED_SHARE = 0.6;

interface OfRun {
  readonly instance: number;
  readonly run: number;
}

export class AgentProcess extends SimProcess {
  readonly kind = 'agent';
  readonly name: string;
  state: AgentState = newAgentState();
  /** Its program runs. */
  hasBegun = false;
  /** Set by a fault: it dies after so many more effects. */
  diesAfterEffects: number | null = null;
  /** What became of it: null while it is wanted. */
  exitCode: number | null = null;
  private readonly connections = new Map<number, { readonly connection: Connection; readonly end: 0 | 1 }>();
  private lastHandle = 0;
  /** Processes it started or took back, by pid. */
  private readonly children = new Map<number, OfRun & { readonly isAdopted: boolean }>();
  private effects: AgentEffect[] = [];
  private isPerforming = false;

  constructor(world: World, pid: number, node: number) {
    super(world, pid, node);
    this.name = `agent ${node}`;
  }

  boot(): void {
    const { world } = this;
    const node = world.nodes[this.node];
    if (node === undefined) return;
    node.listeners.set(AGENT_PORT, this.pid);
    this.hasBegun = true;
    const { timerScale } = world.options;
    const settings: AgentSettings = {
      address: node.address,
      port: AGENT_PORT,
      node: node.agentFile?.node ?? `node-${this.node}-${this.pid}`,
      repository: world.repository(),
      dataDir: '/baas',
      baseEnv: {},
      timerScale,
      strict: false,
      sharedAddress: false,
      seed: world.chance.process.between(0, 2 ** 31 - 1),
    };
    this.input({ kind: 'agent_started', settings, remembered: node.agentFile });
  }

  onAccepted(connection: Connection): void {
    const handle = this.take(connection, 1);
    this.input({ kind: 'connection_opened', connection: handle, address: connection.ends[0].address });
  }

  onConnected(connection: Connection): void {
    this.input({ kind: 'manager_connected', connection: this.take(connection, 0) });
  }

  onConnectFailed(_connection: Connection, why: 'refused' | 'timeout'): void {
    this.input({ kind: 'manager_unreached', why });
  }

  onLine(connection: Connection, end: 0 | 1, line: string): void {
    this.input({ kind: 'line_received', connection: connection.ends[end].handle, line });
  }

  onClosed(connection: Connection, end: 0 | 1, why: string): void {
    const { handle } = connection.ends[end];
    this.connections.delete(handle);
    this.input({ kind: 'connection_closed', connection: handle, why });
  }

  onEvent(event: SimEvent): void {
    if (event.kind === 'input') this.input(event.input as Unstamped<AgentInput>);
  }

  /** A process of its node has ended; it may be a child. */
  onChildEnded(process: InstanceProcess, code: number | null, signal: string | null): void {
    const child = this.children.get(process.pid);
    if (child === undefined) return;
    this.children.delete(process.pid);
    const { instance, run, isAdopted } = child;
    const lateUs = isAdopted ? this.world.chance.process.between(0, ADOPTED_CHECK_US) : REAP_US;
    const end = isAdopted ? { code: null, signal: null } : { code, signal };
    this.later(lateUs, { kind: 'process_ended', instance, run, ...end });
  }

  /** SIGTERM. */
  stop(): void {
    this.input({ kind: 'stop_requested' });
  }

  protected nextDeadline(): number | null {
    return agentMachine.nextDeadline(this.state);
  }

  protected tick(): void {
    this.input({ kind: 'tick' });
  }

  private input(input: Unstamped<AgentInput>): void {
    const stamped = { ...input, at: this.clock() } as AgentInput;
    const { effects } = agentMachine.step(this.state, stamped);
    this.effects.push(...effects);
    this.world.stepped({ process: this, machine: agentMachine, state: this.state, input: stamped, effects });
    if (this.isPerforming) return;
    this.isPerforming = true;
    for (let effect = this.effects.shift(); effect !== undefined; effect = this.effects.shift()) {
      if (this.diesAfterEffects !== null && this.diesAfterEffects-- <= 0) this.world.endProcess(this, null, 'SIGKILL');
      if (!this.isAlive) return;
      this.perform(effect);
    }
    this.isPerforming = false;
    this.arm();
  }

  private perform(effect: AgentEffect): void {
    const { world } = this;
    switch (effect.kind) {
      case 'connect_manager': {
        const address = world.nodes[0]?.address ?? '';
        world.network.connect(this, 0, { address, port: MANAGER_PORT }, 'manager', 0);
        return;
      }
      case 'send': {
        const found = this.connections.get(effect.connection);
        if (found !== undefined) world.network.send(found.connection, found.end, `${effect.line}\n`);
        return;
      }
      case 'close': {
        const found = this.connections.get(effect.connection);
        if (found !== undefined) world.network.close(found.connection, found.end);
        return;
      }
      case 'probe_ports': {
        const { instance, run, ports } = effect;
        const taken = ports.filter((port) => world.nodes[this.node]?.listeners.has(port));
        return this.later(PROBE_US, { kind: 'ports_probed', instance, run, taken });
      }
      case 'probe_sockets': {
        const { instance, run, ports } = effect;
        const accepting = ports.every((port) => world.listenerAt(this.node, port) !== null);
        return this.later(PROBE_US, { kind: 'sockets_probed', instance, run, accepting });
      }
      case 'spawn':
        return this.spawn(effect);
      case 'kill':
        return this.children.has(effect.pid) ? world.killProcess(effect.pid, effect.signal) : undefined;
      case 'check_process': {
        const { instance, run, pid, startTime } = effect;
        const process = world.instances.get(pid);
        const alive = process !== undefined && process.node === this.node && process.startTime === startTime;
        if (alive) this.children.set(pid, { instance, run, isAdopted: true });
        return this.input({ kind: 'process_checked', instance, run, alive });
      }
      case 'remember': {
        const node = world.nodes[this.node];
        if (node === undefined) return;
        node.agentFile = structuredCopy(effect.state);
        // The flush follows when things are quiet; a power cut may come before it.
        if (world.chance.process.chance(SYNCED_SHARE)) node.agentFileSynced = node.agentFile;
        return;
      }
      case 'stop':
        this.exitCode = effect.code;
        if (effect.code === 0) for (const pid of [...this.children.keys()]) world.killProcess(pid);
        return world.endProcess(this, effect.code, null);
      case 'trace':
      case 'log':
        return;
    }
  }

  private spawn(effect: Extract<AgentEffect, { kind: 'spawn' }>): void {
    const { world } = this;
    const { instance, run, args } = effect;
    const process = new InstanceProcess(world, world.newPid(), this.node, args);
    this.children.set(process.pid, { instance, run, isAdopted: false });
    world.startInstance(process);
    this.input({ kind: 'process_started', instance, run, pid: process.pid, startTime: process.startTime });
  }

  private later(waitUs: number, input: Unstamped<AgentInput>): void {
    this.world.after(waitUs, { kind: 'input', process: this.pid, input });
  }

  private take(connection: Connection, end: 0 | 1): number {
    const handle = (this.lastHandle += 1);
    connection.ends[end].handle = handle;
    this.connections.set(handle, { connection, end });
    return handle;
  }
}

function structuredCopy<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}
