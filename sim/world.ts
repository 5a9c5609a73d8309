/**
 * A simulated cluster: the production cores of Manager, agents and instances in a world made of a seed.
 *
 * Lives here: the world and what everything in it shares: time, events, nodes, processes, chance. Does not live here: what
 * goes wrong in it (faults/), what must hold in it (laws/), runs of it (run.ts).
 *
 * How to use it:
 *
 *     const world = new World({ seed: 1, graph });      one Manager, `nodes` agents, no faults; nothing has happened yet
 *     while (world.step() !== null) …                   the earliest event happens; null: nothing is to come
 *     world.pending()                                   all events to come, for a search that chooses another order
 *     world.happen(scheduled)                           lets one of them happen now (time does not go back)
 *     world.observe((stepped) => …)                     every step of every machine: input, effects, state
 *     world.manager.state, world.agents, world.instances   the machines' states, to look at and not to change
 *     world.command({ command: 'scale', … })            what an operator asks for
 *     world.killProcess(pid, signal), world.pause(pid), world.resume(pid), world.network.cut(from, to) …
 *
 * Nothing in here reads a clock or draws by lot but from the seed: the same seed, the same world, on every machine.
 */
import type { RepositoryService } from '../ssmmp/core/repository-file.ts';
import { AgentProcess } from './agent-process.ts';
import { EventQueue, type Scheduled, type SimEvent } from './events.ts';
import { InstanceProcess } from './instance-process.ts';
import { ManagerProcess, type ManagerDisk } from './manager-process.ts';
import { Network } from './network.ts';
import { CALM, type WorldOptions } from './options.ts';
import { deliver } from './delivery.ts';
import type { SimProcess, Stepped } from './process.ts';
import { Random } from './random.ts';
import { SharedDisk } from './shared-disk.ts';
import { Users } from './users.ts';
import type { Command } from '../manager/core/inputs.ts';
import type { Remembered } from '../agent/core/inputs.ts';

export interface SimNode {
  readonly index: number;
  readonly address: string;
  /** Has power. */
  isOn: boolean;
  clockOffsetMs: number;
  /** Who listens on a port; 0 a stranger's program. */
  readonly listeners: Map<number, number>;
  agent: AgentProcess | null;
  /** The agent's state file, and what of it would survive a power cut. */
  agentFile: Remembered | null;
  agentFileSynced: Remembered | null;
  /** Somebody starts the agent again when it ends. */
  startsAgent: boolean;
}

export const MANAGER_PORT = 55555;
export const AGENT_PORT = 55556;
/** More than an instance bears before it calls itself overloaded (R45). */
const OVERLOADED_LAG_MS = 1_000;
/** The world begins at this time of its clocks, in milliseconds. */
const BEGIN_MS = 1_000_000;

export class World {
  readonly options: WorldOptions;
  nowUs = BEGIN_MS * 1000;
  /** Events that have happened. */
  events = 0;
  readonly network: Network;
  readonly nodes: SimNode[] = [];
  readonly processes = new Map<number, SimProcess>();
  /** Live instances' processes, by pid. */
  readonly instances = new Map<number, InstanceProcess>();
  manager: ManagerProcess;
  readonly managerDisk: ManagerDisk = { header: null, records: [], synced: 0 };
  readonly shared: SharedDisk;
  readonly users: Users;
  readonly chance: {
    readonly network: Random;
    readonly process: Random;
    readonly load: Random;
    readonly fault: Random;
  };
  /** Called for each event `plan` and `undo`: faults are not this file's business. */
  onPlan: (event: Extract<SimEvent, { kind: 'plan' | 'undo' }>) => void = () => undefined;
  /** How a new instance's process goes: set by faults. */
  readonly starts = { slowUs: 0, failing: new Set<string>(), lagging: new Set<number>() };
  /** Disks take so many times as long. */
  diskSlowness = 1;
  private readonly services: readonly string[];
  private readonly queue = new EventQueue();
  private readonly observers: ((stepped: Stepped) => void)[] = [];
  /** Instances' processes that were started. */
  started = 0;
  private pids = 0;
  private commands = 0;

  constructor(options: Partial<WorldOptions> & Pick<WorldOptions, 'seed' | 'graph'>) {
    this.options = { ...CALM, edited: options.graph, ...options };
    const { seed, nodes } = this.options;
    const stream = (name: string): Random => new Random(seed, name);
    this.chance = {
      network: stream('network'),
      process: stream('process'),
      load: stream('load'),
      fault: stream('fault'),
    };
    const { graph, edited } = this.options;
    this.services = [...new Set([...graph.services, ...edited.services].map(({ name }) => name))];
    this.network = new Network(this);
    this.shared = new SharedDisk();
    for (let index = 0; index <= nodes; index += 1)
      this.nodes.push({
        index,
        address: index === 0 ? '10.0.0.1' : `10.0.0.${10 + index}`,
        isOn: true,
        clockOffsetMs: 0,
        listeners: new Map(),
        agent: null,
        agentFile: null,
        agentFileSynced: null,
        startsAgent: true,
      });
    this.manager = this.startManager();
    for (let node = 1; node <= nodes; node += 1) this.startAgent(node);
    this.users = new Users(this);
  }

  /** Lets the earliest event happen; null when nothing is to come. */
  step(): Scheduled | null {
    const scheduled = this.queue.take();
    if (scheduled !== null) this.let(scheduled);
    return scheduled;
  }

  /** When the earliest event is due, in microseconds; null when nothing is to come. */
  nextAtUs(): number | null {
    return this.queue.nextAtUs();
  }

  /** All events to come, in order. */
  pending(): Scheduled[] {
    return this.queue.list();
  }

  /** Lets one of `pending()` happen now. */
  happen(scheduled: Scheduled): void {
    this.queue.cancel(scheduled);
    this.let(scheduled);
  }

  private let({ atUs, event }: Scheduled): void {
    this.nowUs = Math.max(this.nowUs, atUs);
    this.events += 1;
    this.dispatch(event);
  }

  at(atUs: number, event: SimEvent): Scheduled {
    return this.queue.add(Math.max(atUs, this.nowUs), event);
  }

  after(waitUs: number, event: SimEvent): Scheduled {
    return this.queue.add(this.nowUs + waitUs, event);
  }

  cancel(scheduled: Scheduled): void {
    this.queue.cancel(scheduled);
  }

  /** Tells of every step of every machine from now on. */
  observe(observer: (stepped: Stepped) => void): void {
    this.observers.push(observer);
  }

  stepped(stepped: Stepped): void {
    for (const observer of this.observers) observer(stepped);
  }

  get agents(): AgentProcess[] {
    return this.nodes.flatMap(({ agent }) => (agent?.isAlive === true ? [agent] : []));
  }

  nodeAt(address: string): SimNode | null {
    return this.nodes.find((node) => node.address === address) ?? null;
  }

  isOn(node: number): boolean {
    return this.nodes[node]?.isOn === true;
  }

  /** What every node can run: all services of every graph of this run. */
  repository(): readonly RepositoryService[] {
    return this.services.map((name) => ({ name, sockets: null, plugs: null, run: [name], env: {}, spares: 0 }));
  }

  /** A number for each store, for ever. */
  storeNumber(service: string): number {
    return this.services.indexOf(service) + 1;
  }

  /** How late an instance's event loop is: faults set it. */
  lagMs(pid: number): number {
    return this.starts.lagging.has(pid) ? OVERLOADED_LAG_MS : 0;
  }

  /** The live process that listens there, or null. */
  listenerAt(node: number, port: number): SimProcess | null {
    const pid = this.nodes[node]?.listeners.get(port);
    const process = pid === undefined ? undefined : this.processes.get(pid);
    return process?.isAlive === true ? process : null;
  }

  /** An operator asks the Manager; false when there is none to ask. The number comes back with the reply. */
  command(body: Command): number | null {
    const { manager } = this;
    if (!manager.isAlive || manager.isPaused || !manager.isListening) return null;
    this.commands += 1;
    manager.command(this.commands, body);
    return this.commands;
  }

  newPid(): number {
    return (this.pids += 1);
  }

  startManager(): ManagerProcess {
    this.manager = new ManagerProcess(this, this.newPid());
    return this.enter(this.manager);
  }

  startAgent(index: number): AgentProcess {
    const node = this.nodes[index] as SimNode;
    node.agent = new AgentProcess(this, this.newPid(), index);
    return this.enter(node.agent);
  }

  startInstance(process: InstanceProcess): void {
    this.instances.set(process.pid, process);
    this.started += 1;
    this.enter(process);
  }

  private enter<P extends SimProcess>(process: P): P {
    this.processes.set(process.pid, process);
    const [least, most] = this.options.bootUs;
    const bootUs = this.chance.process.between(least, most) + (process.kind === 'instance' ? this.starts.slowUs : 0);
    this.after(bootUs, { kind: 'boot', process: process.pid });
    return process;
  }

  /**
   * A process ends: its ports are free, its connections close. `silently`: its node lost power. A child's agent is told,
   * while it lives.
   */
  endProcess(process: SimProcess, code: number | null, signal: string | null, silently = false): void {
    if (!process.isAlive) return;
    process.isAlive = false;
    process.inbox.length = 0;
    process.disarm();
    this.network.processEnded(process.pid, silently);
    const { listeners } = this.nodes[process.node] as SimNode;
    for (const [port, pid] of listeners) if (pid === process.pid) listeners.delete(port);
    this.processes.delete(process.pid);
    if (process instanceof InstanceProcess) {
      this.instances.delete(process.pid);
      for (const agent of this.agents) if (agent.node === process.node) agent.onChildEnded(process, code, signal);
    }
  }

  killProcess(pid: number, signal = 'SIGKILL'): void {
    const process = this.processes.get(pid);
    if (process !== undefined) this.endProcess(process, null, signal);
  }

  /** The Manager's process dies at once; its journal may be torn. */
  crashManager(): void {
    if (!this.manager.isAlive) return;
    this.manager.tear(false);
    this.endProcess(this.manager, null, 'SIGKILL');
  }

  /** Whoever supervises the Manager starts it again, if it is gone and can run. */
  restartManager(): void {
    this.manager.diesAfterEffects = null;
    this.after(0, { kind: 'start_manager' });
  }

  restartAgent(node: number): void {
    const agent = this.nodes[node]?.agent;
    if (agent != null) agent.diesAfterEffects = null;
    this.after(0, { kind: 'start_agent', node });
  }

  /** All processes of a node end at once and say nothing; what was not flushed is lost. */
  powerOff(index: number): void {
    const node = this.nodes[index] as SimNode;
    node.isOn = false;
    if (index === 0 && this.manager.isAlive) this.manager.tear(true);
    for (const process of [...this.processes.values()])
      if (process.node === index) this.endProcess(process, null, null, true);
    node.agentFile = node.agentFileSynced;
  }

  powerOn(index: number): void {
    const node = this.nodes[index] as SimNode;
    node.isOn = true;
    if (index === 0) this.restartManager();
    else this.restartAgent(index);
  }

  /** How long a write with its flush takes now. */
  diskWaitUs(): number {
    const [least, most] = this.options.diskUs;
    return this.chance.process.between(least, most) * this.diskSlowness;
  }

  pause(pid: number): void {
    const process = this.processes.get(pid);
    if (process !== undefined) process.isPaused = true;
  }

  resume(pid: number): void {
    const process = this.processes.get(pid);
    if (process?.isPaused !== true) return;
    process.isPaused = false;
    for (const event of process.inbox.splice(0)) this.after(0, event);
    process.rearm();
  }

  /** Gives an event to a process: at once, or when it goes on. */
  toProcess(process: SimProcess, event: SimEvent): void {
    if (!process.isAlive) return;
    if (process.isPaused) process.inbox.push(event);
    else deliver(this, process, event);
  }

  private dispatch(event: SimEvent): void {
    switch (event.kind) {
      case 'syn': {
        const connection = this.network.connections.get(event.connection);
        if (connection === undefined) return;
        if (connection.status === 'connecting') return this.network.arrive(connection);
        return this.toPid(connection.ends[1].pid, event);
      }
      case 'connected':
      case 'connect_failed': {
        const connection = this.network.connections.get(event.connection);
        return connection === undefined ? undefined : this.toPid(connection.ends[0].pid, event);
      }
      case 'deliver':
      case 'closed': {
        const connection = this.network.connections.get(event.connection);
        return connection === undefined ? undefined : this.toPid(connection.ends[event.end].pid, event);
      }
      case 'tick':
      case 'boot':
      case 'listen':
      case 'input':
      case 'commit':
      case 'store_synced':
      case 'user_request':
        return this.toPid(event.process, event);
      case 'start_agent': {
        const node = this.nodes[event.node] as SimNode;
        if (node.isOn && node.agent?.isAlive !== true) this.startAgent(event.node);
        return;
      }
      case 'start_manager':
        if (this.isOn(0) && !this.manager.isAlive) this.startManager();
        return;
      case 'user_sends':
      case 'user_timeout':
      case 'user_answer':
        return this.users.on(event);
      case 'plan':
      case 'undo':
        return this.onPlan(event);
    }
  }

  private toPid(pid: number, event: SimEvent): void {
    const process = this.processes.get(pid);
    if (process !== undefined) this.toProcess(process, event);
  }
}
