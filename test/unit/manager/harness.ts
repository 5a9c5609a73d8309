/**
 * The Manager's core in a test's hands: scripted agents on one side, a clock on the other.
 *
 * Lives here: a driver that steps the machine, checks every invariant after every step, saves and loads
 * the state now and then, and sorts what was sent by connection. No sockets, no real time.
 */
import { readFileSync } from 'node:fs';
import { brokenInvariant } from '../../../manager/core/invariants.ts';
import type { ManagerEffect } from '../../../manager/core/effects.ts';
import type { Command, ManagerInput, ManagerSettings } from '../../../manager/core/inputs.ts';
import { initialManager, loadManager, saveManager } from '../../../manager/core/save.ts';
import type { PolicyOracle } from '../../../manager/core/oracle.ts';
import { managerMachine, managerWith } from '../../../manager/core/step.ts';
import type { ManagerState } from '../../../manager/core/state.ts';
import type { Message, MessageType } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';
import type { Graph } from '../../../ssmmp/core/graph.ts';
import { parseGraph } from '../../../ssmmp/core/graph-parse.ts';

type Unstamped = ManagerInput extends infer I ? (I extends ManagerInput ? Omit<I, 'at'> : never) : never;

export const SETTINGS: ManagerSettings = {
  address: '127.0.0.1',
  cluster: 'test',
  timerScale: 1,
  strict: false,
  sharedAddress: false,
  portFirst: 54000,
  portLast: 55552,
};

/** A small graph: gateway → front → store, and a second caller of the store. */
export const SMALL = `
cnapp: small
alias: gateway.small.test
services:
  gate:  {kind: gateway, public: {users: 8080}}
  front: {kind: service, replicas: {min: 0, max: 3}}
  side:  {kind: service}
  store: {kind: baas}
edges:
  - [gate, [front-plug, front-socket], front]
  - [gate, [side-plug, side-socket], side]
  - [front, [store-plug, store-socket], store]
  - [side, [store-plug, store-socket], store]
`;

export function graphOf(text: string): Graph {
  const parsed = parseGraph(text, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.graph;
}

export function exampleGraph(): Graph {
  return graphOf(readFileSync(new URL('../../../labs/graphs/abstract-example.yaml', import.meta.url), 'utf8'));
}

/** One Manager under test. */
export class TestManager {
  state: ManagerState = initialManager();
  now = 1_000_000;
  /** Everything caused by the last call. */
  last: readonly ManagerEffect[] = [];
  /** Every input so far with its effects, for replay. */
  readonly journal: { n: number; in: ManagerInput; out: readonly ManagerEffect[] }[] = [];
  /** Are health requests answered 200 while time passes? A set of instance ids that do not answer. */
  readonly silent = new Set<number>();
  agentsAnswer = true;
  /** Connections on which nothing is answered: agents that are cut off or asleep, with their instances. */
  readonly mute = new Set<number>();
  /** Steps that asked for a flush of the journal. */
  flushed = 0;
  private connections = 0;
  private readonly machine: typeof managerMachine;

  constructor(
    graph: Graph | string = SMALL,
    settings: Partial<ManagerSettings> = {},
    oracle: PolicyOracle | null = null,
  ) {
    this.machine = managerWith(oracle);
    const checked = typeof graph === 'string' ? graphOf(graph) : graph;
    this.input({ kind: 'manager_started', epoch: 1, graph: checked, settings: { ...SETTINGS, ...settings } });
  }

  input(input: Unstamped): readonly ManagerEffect[] {
    const stamped = { ...input, at: this.now } as ManagerInput;
    const { effects, flush, recorded } = this.machine.step(this.state, stamped);
    if (flush) this.flushed += 1;
    this.journal.push({
      n: this.journal.length,
      in: structuredClone({ ...stamped, ...recorded }),
      out: structuredClone(effects),
    });
    const broken = brokenInvariant(this.state);
    if (broken !== null) throw new Error(`after ${JSON.stringify(stamped)}: ${broken}`);
    this.last = effects;
    return effects;
  }

  /** Lets time pass, with every deadline on the way. Returns all effects. */
  pass(ms: number): ManagerEffect[] {
    const until = this.now + ms;
    const effects: ManagerEffect[] = [];
    for (;;) {
      const next = managerMachine.nextDeadline(this.state);
      if (next === null || next > until) break;
      this.now = Math.max(this.now, next);
      const caused = this.input({ kind: 'tick' });
      effects.push(...caused, ...this.answerHealth(caused));
    }
    this.now = until;
    this.last = effects;
    return effects;
  }

  private answerHealth(effects: readonly ManagerEffect[]): ManagerEffect[] {
    if (!this.agentsAnswer) return [];
    const agents = this.sent('agent_health_control_request', effects).flatMap(
      ({ on, message_id, agent_network_address }) =>
        this.mute.has(on)
          ? []
          : this.say(on, {
              type: 'agent_health_control_response',
              message_id,
              sub_type: 'agent_to_Manager',
              agent_network_address,
              status: 200,
            }),
    );
    const instances = this.sent('service_instance_health_request', effects).flatMap(
      ({ on, message_id, service_instance_id }) =>
        this.silent.has(service_instance_id) || this.mute.has(on)
          ? []
          : this.say(on, {
              type: 'service_instance_health_response',
              message_id,
              sub_type: 'agent_to_Manager',
              service_instance_id,
              status: 200,
            }),
    );
    return [...agents, ...instances];
  }

  open(address: string): number {
    this.connections += 1;
    this.input({ kind: 'connection_opened', connection: this.connections, address });
    return this.connections;
  }

  closeConnection(connection: number): readonly ManagerEffect[] {
    return this.input({ kind: 'connection_closed', connection, why: 'test' });
  }

  /** Says one message (or raw line) on a connection. */
  say(connection: number, message: Message | string): readonly ManagerEffect[] {
    return this.input({
      kind: 'line_received',
      connection,
      line: typeof message === 'string' ? message : encode(message),
    });
  }

  command(request: number, body: Command): readonly ManagerEffect[] {
    return this.input({ kind: 'command_received', request, body });
  }

  /** Messages of one type among effects, decoded. */
  sent<T extends MessageType>(type: T, effects: readonly ManagerEffect[] = this.last): (Message<T> & { on: number })[] {
    const found: (Message<T> & { on: number })[] = [];
    for (const effect of effects) {
      if (effect.kind !== 'send') continue;
      const decoded = decode(effect.line);
      if (!decoded.ok) throw new Error(`the Manager sent what cannot be read: ${effect.line}: ${decoded.problem}`);
      if (decoded.message.type === type) found.push({ ...(decoded.message as Message<T>), on: effect.connection });
    }
    return found;
  }

  /** The one message of a type among effects. */
  one<T extends MessageType>(type: T, effects: readonly ManagerEffect[] = this.last): Message<T> & { on: number } {
    const found = this.sent(type, effects);
    if (found.length !== 1) throw new Error(`${found.length} ${type} among ${JSON.stringify(effects)}`);
    return found[0] as Message<T> & { on: number };
  }

  events(effects: readonly ManagerEffect[] = this.last): string[] {
    return effects.flatMap((effect) => (effect.kind === 'event' ? [effect.event.text] : []));
  }

  /** Registers, and lets the moment pass in which other nodes could come. */
  register(connection: number, address: string, repository: string[], x?: Message['x']): readonly ManagerEffect[] {
    const answered = this.say(connection, {
      type: 'initiation_request',
      message_id: 1,
      sub_type: null,
      agent_network_address: address,
      service_repository: repository,
      ...(x === undefined ? {} : { x }),
    });
    const settled = this.state.deadlines.has('settle/') ? this.pass(this.state.timers.settleMs) : [];
    this.last = [...answered, ...settled];
    return this.last;
  }

  started(connection: number, message_id: number, status = 200): readonly ManagerEffect[] {
    return this.say(connection, { type: 'execution_response', message_id, sub_type: null, status });
  }

  /** The Manager is killed and started again from its saved state, with the graph file it had or another one. */
  restart(graph: Graph = this.state.startedWith): readonly ManagerEffect[] {
    this.state = loadManager(JSON.parse(JSON.stringify(saveManager(this.state))));
    const { settings, epoch } = this.state;
    return this.input({ kind: 'manager_started', epoch: epoch + 1, graph, settings });
  }
}

/** A Manager with one agent that has everything, gate and store on. */
export function smallCluster(settings: Partial<ManagerSettings> = {}): {
  m: TestManager;
  agent: number;
  gate: number;
  store: number;
} {
  const m = new TestManager(SMALL, settings);
  const agent = m.open('127.0.0.11');
  const effects = m.register(agent, '127.0.0.11', ['gate', 'front', 'side', 'store'], { x_node: 'n1' });
  const [gate, store] = m.sent('execution_request', effects);
  if (gate?.service_name !== 'gate' || store?.service_name !== 'store')
    throw new Error('gate and store are not started');
  m.started(agent, gate.message_id);
  m.started(agent, store.message_id);
  return { m, agent, gate: gate.service_instance_id, store: store.service_instance_id };
}

/** A session_request as an agent forwards it. */
export function sessionRequest(
  id: number,
  source: [string, number],
  plug: string,
  socket: string,
  dest: string,
): Message {
  return {
    type: 'session_request',
    message_id: id,
    sub_type: 'agent_to_Manager',
    source_service_name: source[0],
    source_service_instance_id: source[1],
    source_service_instance_network_address: '127.0.0.11',
    source_plug_name: plug,
    dest_service_name: dest,
    dest_socket_name: socket,
  };
}

export function sessionAck(
  id: number,
  source: [string, number],
  plugPort: number,
  destPort: number,
  status = 200,
): Message {
  return {
    type: 'session_ack',
    message_id: id,
    sub_type: 'agent_to_Manager',
    source_service_name: source[0],
    source_service_instance_id: source[1],
    source_plug_port: plugPort,
    dest_socket_new_port: destPort,
    status,
  };
}

/** The report of an instance's end as an agent forwards it. */
export function termination(service: string, id: number, x_exit?: string): Message {
  return {
    type: 'service_instance_termination_info',
    message_id: 77,
    sub_type: 'agent_to_Manager',
    service_name: service,
    service_instance_id: id,
    service_instance_network_address: '127.0.0.11',
    ...(x_exit === undefined ? {} : { x: { x_exit } }),
  };
}
