/**
 * Fuzzing the Manager's step: two agents that say anything they like in any order, plausible or not.
 * It never throws, every invariant holds after every step, and the journal replays to the same effects
 * and the same state, from the start and from a snapshot in the middle.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { programName } from '../../manager/core/instances.ts';
import type { PolicyOracle } from '../../manager/core/oracle.ts';
import type { ManagerInput } from '../../manager/core/inputs.ts';
import { initialManager, loadManager, saveManager } from '../../manager/core/save.ts';
import { managerMachine } from '../../manager/core/step.ts';
import type { Message } from '../../ssmmp/core/catalog.ts';
import { encode } from '../../ssmmp/core/codec.ts';
import type { BalancingView, PlacementView, ScalingView } from '../../ssmmp/core/policy.ts';
import { replay } from '../../ssmmp/machine/journal.ts';
import { anyMessage, nearlyLine } from '../unit/ssmmp/arbitraries.ts';
import { graphOf, SMALL, TestManager } from '../unit/manager/harness.ts';

const ADDRESSES = ['127.0.0.11', '127.0.0.12'];
const SERVICES = ['gate', 'front', 'side', 'store'];
/** What the nodes can run: versions of front too. */
const PROGRAMS = [...SERVICES, 'front.v1', 'front.v2'];
const EDGES = [
  ['gate', 'front-plug', 'front-socket', 'front'],
  ['gate', 'side-plug', 'side-socket', 'side'],
  ['front', 'store-plug', 'store-socket', 'store'],
  ['side', 'store-plug', 'store-socket', 'store'],
  // Of graphs that are applied.
  ['front', 'log-plug', 'log-socket', 'store'],
  ['front', 'side-plug', 'side-socket', 'side'],
] as const;

/** Graphs that are applied, or stand in the file of a restart: each differs from SMALL in a way of its own. */
const GRAPHS = [
  SMALL,
  SMALL.replace('8080', '8081'),
  SMALL.replace('{min: 0, max: 3}', '{min: 2, max: 2}'),
  `${SMALL}policies: {balancing: round-robin, scaling: none}\n`,
  `${SMALL}policies: {balancing: random}\n`,
  `${SMALL}  - [front, [log-plug, log-socket], store]\n`,
  SMALL.replace('[gate, [side-plug, side-socket], side]', '[front, [side-plug, side-socket], side]'),
  SMALL.replace('  side:  {kind: service}\n', '')
    .replace(/ {2}- .*side-socket.*\n/, '')
    .replace(/ {2}- \[side.*\n/, ''),
  SMALL.replace('side:  {kind: service}', 'side:  {kind: baas}').replace(/ {2}- \[side.*\n/, ''),
  SMALL.replace('{min: 0, max: 3}', '{min: 0, max: 3}, idle_after: 1s').replace(
    'alias: gateway.small.test',
    'alias: a.test',
  ),
  SMALL.replace('{min: 0, max: 3}', '{min: 0, max: 3}, versions: {v1: 3, v2: 1}'),
  SMALL.replace('{min: 0, max: 3}', '{min: 1, max: 4}, idle_after: 1s, versions: {v1: 1, v2: 1, v9: 1}'),
  SMALL.replace('{min: 0, max: 3}', '{min: 0, max: 3}, versions: {v1: 0, v2: 1}'),
  `${SMALL}policies: {placement: ./a.ts, balancing: ./a.ts, scaling: ./a.ts, restart: ./a.ts}\n`,
].map(graphOf);

/** A policy in a file: now it answers well, now with nonsense, now not at all. The count of its calls is its chance. */
function oracle(): PolicyOracle {
  let calls = 0;
  return ({ kind, view }) => {
    calls += 1;
    if (calls % 5 === 0) return { problem: 'it threw' };
    if (calls % 7 === 0) return { choice: { node: 99, instance: -1, replicas: 1e9, waitMs: 'soon' } };
    const pick = <T>(list: readonly T[]): T => list[calls % list.length] as T;
    const state = { calls };
    switch (kind) {
      case 'placement':
        return { choice: { node: pick((view as PlacementView).nodes).node, state } };
      case 'balancing':
        return { choice: { instance: pick((view as BalancingView).candidates).instance, state } };
      case 'scaling': {
        const { min, max } = view as ScalingView;
        return { choice: { replicas: pick([min, max]), state, why: 'so' } };
      }
      case 'restart':
        return { choice: { waitMs: 100 * (calls % 4), crashLooping: calls % 3 === 0, state } };
    }
  };
}

/** A move of the fuzzer: numbers that the player below turns into something that nearly fits the state. */
type Move = { act: number; a: number; b: number; c: number; junk: string };

const move: fc.Arbitrary<Move> = fc.record({
  act: fc.nat(99),
  a: fc.nat(1000),
  b: fc.nat(1000),
  c: fc.nat(1000),
  junk: fc.oneof(
    { weight: 3, arbitrary: nearlyLine(encode) },
    { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
    { weight: 2, arbitrary: anyMessage.map((m) => encode(m)) },
  ),
});

class Player {
  readonly m = new TestManager(SMALL, {}, oracle());
  private readonly open = new Map<number, string>();
  /** Requests of the Manager that were sent, with the connection. */
  private readonly asked: { on: number; message: Message }[] = [];

  constructor() {
    this.m.agentsAnswer = false;
  }

  play({ act, a, b, c, junk }: Move): void {
    const { m } = this;
    const connections = [...this.open.keys()];
    const on = connections[a % Math.max(1, connections.length)];
    if (on === undefined || act < 4) {
      const address = ADDRESSES[b % 2] as string;
      const connection = m.open(address);
      this.open.set(connection, address);
      const x =
        c % 3 === 0
          ? {}
          : { x_node: `n${b % 2}`, ...(c % 3 === 1 ? { x_running_instances: `${c % 5}, ${c % 7}` } : {}) };
      return this.note(m.register(connection, address, PROGRAMS.slice(c % 2), x));
    }
    if (act < 7) {
      this.open.delete(on);
      return this.note(m.closeConnection(on));
    }
    if (act < 20) return this.note(m.pass((a % 40) * 50));
    if (act < 45) return this.answer(a, b, c);
    if (act < 62) return this.ask(on, a, b, c);
    if (act < 75) return this.acknowledge(on, a, b, c);
    if (act < 82) return this.reportClose(on, a, b);
    if (act < 86) return this.terminate(on, a, b);
    if (act < 89)
      return this.note(m.command(a + 1, { command: 'stop', instance: String(1 + (b % 12)), hard: c % 2 === 0 }));
    if (act === 92)
      return this.note(
        m.command(a + 1, {
          command: 'scale',
          service: SERVICES[b % 4] as string,
          replicas: c % 5,
          dry_run: a % 5 === 0,
        }),
      );
    if (act === 93)
      return this.note(
        m.command(a + 1, {
          command: 'migrate',
          instance: String(1 + (b % 12)),
          to: c % 2 === 0 ? null : String(1 + (a % 3)),
          dry_run: a % 5 === 0,
        }),
      );
    if (act === 94)
      return this.note(m.command(a + 1, { command: 'drain', node: String(1 + (b % 2)), dry_run: a % 5 === 0 }));
    if (act === 95) return this.note(m.command(a + 1, { command: 'uncordon', node: String(1 + (b % 2)) }));
    if (act === 96 || act === 97)
      return this.note(
        m.command(a + 1, {
          command: 'apply',
          graph: GRAPHS[b % GRAPHS.length] as (typeof GRAPHS)[number],
          file: 'fuzz.yaml',
          dry_run: a % 5 === 0,
        }),
      );
    if (act === 89 && c === 7) return this.note(m.command(a + 1, { command: 'shutdown' }));
    if (act === 90) return this.note(m.input({ kind: 'oversized_received', connection: on }));
    if (act === 91 && c % 4 === 0) {
      this.open.clear();
      return this.note(b % 3 === 0 ? m.restart(GRAPHS[b % GRAPHS.length]) : m.restart());
    }
    this.note(m.say(on, junk));
  }

  private note(effects: readonly { kind: string }[]): void {
    for (const effect of effects as TestManager['last'])
      if (effect.kind === 'close' && this.open.delete(effect.connection)) this.m.closeConnection(effect.connection);
    for (const type of [
      'execution_request',
      'source_service_session_close_request',
      'dest_service_session_close_request',
      'graceful_shutdown_request',
      'hard_shutdown_request',
      'service_instance_health_request',
      'agent_health_control_request',
    ] as const)
      for (const message of this.m.sent(type, effects as TestManager['last']))
        this.asked.push({ on: message.on, message });
    if (this.asked.length > 30) this.asked.splice(0, this.asked.length - 30);
  }

  private answer(a: number, b: number, c: number): void {
    const entry = this.asked[a % Math.max(1, this.asked.length)];
    if (entry === undefined || !this.open.has(entry.on)) return;
    const status = [200, 200, 200, 404, 409, 500, 199][b % 7] as number;
    const { message } = entry;
    const x = c % 5 === 0 ? { x_pid: '77', x_load: '0.5' } : {};
    const base = { message_id: message.message_id, sub_type: 'agent_to_Manager', status, x };
    if (c % 4 !== 0) this.asked.splice(this.asked.indexOf(entry), 1);
    switch (message.type) {
      case 'execution_request':
        return this.say(entry.on, { ...base, type: 'execution_response', sub_type: null });
      case 'source_service_session_close_request':
        return this.say(entry.on, { ...base, type: 'source_service_session_close_response' });
      case 'dest_service_session_close_request':
        return this.say(entry.on, { ...base, type: 'dest_service_session_close_response' });
      case 'graceful_shutdown_request':
        return this.say(entry.on, { ...base, type: 'graceful_shutdown_response' });
      case 'hard_shutdown_request':
        return this.say(entry.on, {
          ...base,
          type: 'hard_shutdown_response',
          service_instance_id: message.service_instance_id,
        });
      case 'service_instance_health_request':
        return this.say(entry.on, {
          ...base,
          type: 'service_instance_health_response',
          service_instance_id: message.service_instance_id,
        });
      case 'agent_health_control_request':
        return this.say(entry.on, {
          ...base,
          type: 'agent_health_control_response',
          agent_network_address: message.agent_network_address,
        });
      default:
        return;
    }
  }

  private ask(on: number, a: number, b: number, c: number): void {
    const instances = [...this.m.state.instances.values()];
    const source = instances[a % Math.max(1, instances.length)];
    const own = EDGES.filter(([name]) => name === source?.service);
    const edge = own[b % Math.max(1, own.length)] ?? EDGES[b % EDGES.length];
    if (edge === undefined) return;
    const home = [...this.open.keys()].find(
      (connection) => this.m.state.agents.get(source?.agent ?? '')?.connection === connection,
    );
    this.say(home ?? on, {
      type: 'session_request',
      message_id: 1000 + (c % 6),
      sub_type: 'agent_to_Manager',
      source_service_name: edge[0],
      source_service_instance_id: source?.id ?? 1 + b,
      source_service_instance_network_address: this.open.get(on) ?? '127.0.0.11',
      source_plug_name: edge[1],
      dest_service_name: edge[3],
      dest_socket_name: edge[2],
    });
  }

  private acknowledge(on: number, a: number, b: number, c: number): void {
    const grants = [...this.m.state.grants.values()];
    const grant = grants[a % Math.max(1, grants.length)];
    const source = this.m.state.instances.get(grant?.source ?? 1);
    const home = this.m.state.agents.get(source?.agent ?? '')?.connection ?? on;
    if (!this.open.has(home)) return;
    this.say(home, {
      type: 'session_ack',
      message_id: grant?.messageId ?? 1000 + (b % 6),
      sub_type: 'agent_to_Manager',
      source_service_name: source?.service ?? 'gate',
      source_service_instance_id: source?.id ?? 1,
      source_plug_port: 20000 + (b % 4),
      dest_socket_new_port: grant?.destPort === 0 ? null : (grant?.destPort ?? null),
      status: c % 5 === 0 ? 502 : 200,
    });
  }

  private reportClose(on: number, a: number, b: number): void {
    const known = [...this.m.state.sessions.values(), ...this.m.state.endedSessions.map(({ session }) => session)];
    const session = known[a % Math.max(1, known.length)];
    if (session === undefined) return;
    const side = b % 2 === 0 ? 'source' : 'dest';
    const end = this.m.state.instances.get(side === 'source' ? session.source : session.dest);
    const home = this.m.state.agents.get(end?.agent ?? '')?.connection ?? on;
    if (!this.open.has(home)) return;
    const common = {
      message_id: 2000 + a,
      sub_type: 'agent_to_Manager',
      source_service_instance_network_address: session.sourceAddress,
      source_plug_name: session.plug,
      source_plug_port: session.sourcePort,
      dest_service_name: 'front',
      dest_service_instance_id: session.dest,
      dest_service_instance_network_address: session.destAddress,
      dest_socket_name: session.socket,
      dest_socket_port: session.destPort,
      dest_socket_new_port: session.destPort,
      status: b % 3 === 0 ? 122 : 111,
    };
    if (side === 'source')
      this.say(home, {
        ...common,
        type: 'source_service_session_close_info',
        source_service_name: 'gate',
        source_service_instance_id: session.source,
      });
    else this.say(home, { ...common, type: 'dest_service_session_close_info' });
  }

  private terminate(on: number, a: number, b: number): void {
    const instances = [...this.m.state.instances.values()];
    const instance = instances[a % Math.max(1, instances.length)];
    const home = this.m.state.agents.get(instance?.agent ?? '')?.connection ?? on;
    if (instance === undefined || !this.open.has(home)) return;
    this.say(home, {
      type: 'service_instance_termination_info',
      message_id: 3000,
      sub_type: 'agent_to_Manager',
      service_name: programName(instance),
      service_instance_id: instance.id,
      service_instance_network_address: instance.address,
      ...(b % 2 === 0 ? { x: { x_exit: 'signal SIGKILL' } } : {}),
    });
  }

  private say(on: number, message: Message): void {
    this.note(this.m.say(on, message));
  }
}

describe('Manager, fuzzed', function () {
  this.timeout(120_000);

  it('never throws, keeps every invariant, and its journal replays to the same effects and state', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 20, maxLength: 150 }), (moves) => {
        const player = new Player();
        for (const one of moves) player.play(one);
        const { journal } = player.m;
        // restart() loads the state from its saved form, as a recovery does; replay goes without.
        const fresh = initialManager();
        const header = {
          format: 'ssmmp-journal',
          formatVersion: 1,
          machine: 'manager',
          machineVersion: managerMachine.version,
          firstRecord: 0,
          at: 0,
          mark: null,
          state: saveManager(fresh),
        } as const;
        const whole = replay(managerMachine, header, journal);
        if (!whole.ok) throw new Error(`record ${whole.n}: ${whole.problem}`);
        expect(JSON.stringify(saveManager(whole.state))).to.equal(JSON.stringify(saveManager(player.m.state)));

        const half = journal.length >> 1;
        let state = initialManager();
        for (const { in: input } of journal.slice(0, half)) managerMachine.step(state, input as ManagerInput);
        state = loadManager(JSON.parse(JSON.stringify(saveManager(state))));
        for (const record of journal.slice(half))
          expect(managerMachine.step(state, record.in).effects).to.deep.equal(record.out);
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 150) },
    );
  });
});
