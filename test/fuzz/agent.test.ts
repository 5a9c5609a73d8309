// The agent's machine under anything: it never throws, keeps its invariants, and does the same thing twice.
import { expect } from 'chai';
import fc from 'fast-check';
import { brokenInvariant } from '../../agent/core/invariants.ts';
import type { AgentInput } from '../../agent/core/inputs.ts';
import { newAgentState, type AgentState } from '../../agent/core/state.ts';
import { agentMachine } from '../../agent/core/step.ts';
import {
  FIELD_KINDS,
  MESSAGE_TYPES,
  rowOf,
  type Hop,
  type Message,
  type MessageType,
} from '../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../ssmmp/core/codec.ts';
import { ADDRESS, SETTINGS } from '../unit/agent/test-agent.ts';

/** Few values, so that inputs meet each other. */
const id = fc.integer({ min: 1, max: 4 });
const connection = fc.integer({ min: 1, max: 8 });
const values = {
  address: fc.constantFrom(ADDRESS, ADDRESS, ADDRESS, '127.0.48.12'),
  names: fc.constant(['post']),
  status: fc.constantFrom(111, 122, 199, 200, 400, 404, 409, 503),
  name: fc.constantFrom('post', 'post', 'post', 'store'),
  plug: fc.constantFrom('P', '-'),
  id,
  port: fc.integer({ min: 54001, max: 54004 }),
  sockets: fc.constantFrom([], [{ socket: 'S', port: 54001 }]),
  plugs: fc.constantFrom([], [{ plug: 'P', socket: 'T', service: 'store' }]),
};

type Given = Record<string, unknown>;

function messageOf(types: readonly MessageType[], hop: (type: MessageType) => readonly Hop[]): fc.Arbitrary<Message> {
  return fc.constantFrom(...types).chain((type) => {
    const row = rowOf(type);
    const fields = Object.fromEntries(
      row.fields.map((field) => [
        field,
        row.blank.includes(field)
          ? fc.option(values[FIELD_KINDS[field]] as fc.Arbitrary<unknown>, { freq: 4 })
          : values[FIELD_KINDS[field]],
      ]),
    );
    return fc.record({
      type: fc.constant(type),
      message_id: fc.constantFrom(1, 2, 3),
      sub_type: fc.constantFrom(...hop(type).map(({ subType }) => subType)),
      ...fields,
    }) as unknown as fc.Arbitrary<Message>;
  });
}

const hopsBetween = (from: string, to: string) => (type: MessageType) =>
  rowOf(type).hops.filter((hop) => hop.from === from && hop.to === to);
const typesBetween = (from: string, to: string): MessageType[] =>
  MESSAGE_TYPES.filter((type) => hopsBetween(from, to)(type).length > 0);

const anyLine = fc.oneof(
  { weight: 6, arbitrary: messageOf(MESSAGE_TYPES, (type) => rowOf(type).hops).map((value) => encode(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...MESSAGE_TYPES).map((type) => `type: ${type} ~ message_id: 1`) },
);
const fromManager = messageOf(typesBetween('Manager', 'agent'), hopsBetween('Manager', 'agent')).map((m) => encode(m));
const fromInstance = messageOf(typesBetween('instance', 'agent'), hopsBetween('instance', 'agent'));

/** A run is mostly the one that there is; null stands for it. */
const ofRun = { instance: id, run: fc.option(fc.integer({ min: 1, max: 12 }), { freq: 1 }) };
const one = <T>(kind: string, more: { [key in keyof T]: fc.Arbitrary<T[key]> }): fc.Arbitrary<Given> =>
  fc.record({ kind: fc.constant(kind), ...more }) as fc.Arbitrary<Given>;
const why = fc.constant('x');

/** Inputs; a connection that is null stands for the one that the Manager is on. */
const input: fc.Arbitrary<Given> = fc.oneof(
  { weight: 6, arbitrary: one('manager_connected', { connection: fc.integer({ min: 20, max: 40 }) }) },
  { weight: 1, arbitrary: one('manager_unreached', { why }) },
  { weight: 8, arbitrary: one('admitted', {}) },
  {
    weight: 6,
    arbitrary: one('connection_opened', { connection, address: fc.constantFrom(ADDRESS, ADDRESS, '10.0.0.1') }),
  },
  { weight: 20, arbitrary: one('line_received', { connection: fc.constant(null), line: fromManager }) },
  { weight: 20, arbitrary: one('said', { message: fromInstance }) },
  { weight: 2, arbitrary: one('line_received', { connection: fc.option(connection), line: anyLine }) },
  { weight: 1, arbitrary: one('oversized_received', { connection: fc.option(connection) }) },
  { weight: 2, arbitrary: one('connection_closed', { connection: fc.option(connection), why }) },
  { weight: 12, arbitrary: one('ports_probed', { ...ofRun, taken: fc.constantFrom([], [], [], [54001]) }) },
  {
    weight: 10,
    arbitrary: one('process_started', { ...ofRun, pid: fc.integer({ min: 2, max: 9 }), startTime: fc.constant(null) }),
  },
  { weight: 1, arbitrary: one('process_failed', { ...ofRun, why }) },
  {
    weight: 3,
    arbitrary: one('process_ended', {
      ...ofRun,
      code: fc.option(fc.constant(3)),
      signal: fc.option(fc.constant('SIGKILL')),
    }),
  },
  { weight: 4, arbitrary: one('process_checked', { ...ofRun, alive: fc.boolean() }) },
  { weight: 4, arbitrary: one('sockets_probed', { ...ofRun, accepting: fc.boolean() }) },
  { weight: 8, arbitrary: one('tick', { after: fc.constantFrom(0, 10, 100, 500, 2000, 10_000) }) },
);
const inputs = fc
  .tuple(fc.array(input, { minLength: 5, maxLength: 150, size: 'max' }), fc.option(fc.array(input, { maxLength: 20 })))
  .map(([before, after]) => (after === null ? before : [...before, { kind: 'stop_requested' }, ...after]));

const remembered = fc.option(
  fc.constant({
    node: 'n1',
    cluster: 'c',
    epoch: 3,
    instances: [1, 2].map((child) => ({
      id: child,
      service: 'post',
      pid: 100 + child,
      startTime: null,
      sockets: [],
      ready: child === 1,
      mute: false,
    })),
  }),
);

/** Runs the inputs; what the agent did, as JSON. `reload` sends the state through JSON after every step. */
function run(start: unknown, given: readonly Given[], reload: boolean): string[] {
  let state = newAgentState();
  let at = 1_000_000;
  const done: string[] = [];
  const step = (next: Given): void => {
    at += typeof next['after'] === 'number' ? next['after'] : 0;
    const { effects } = agentMachine.step(state, { ...next, at } as unknown as AgentInput);
    const broken = brokenInvariant(state);
    if (broken !== null) throw new Error(`${broken}, after ${JSON.stringify(next)}`);
    for (const effect of effects) {
      if (effect.kind === 'send' && !decode(effect.line).ok) throw new Error(`unreadable: ${effect.line}`);
      if (effect.kind === 'log' && effect.text.startsWith('bug:')) throw new Error(effect.text);
    }
    done.push(JSON.stringify(effects));
    if (reload) state = agentMachine.load(agentMachine.save(state));
  };
  step({ kind: 'agent_started', settings: SETTINGS, remembered: start });
  for (const next of given) step(resolve(state, next));
  return done;
}

/** An input with the names of the moment: the Manager's connection, an instance's run and connection. */
function resolve(state: AgentState, next: Given): Given {
  const manager = state.link.connection ?? 999;
  if (next['kind'] === 'admitted') {
    const line = `type: initiation_response ~ message_id: ${state.link.requestId} ~ status: 200`;
    return { kind: 'line_received', connection: manager, line };
  }
  if (next['kind'] === 'said') {
    // On the connection of the instance it names, or of the lowest stranger.
    const message = next['message'] as Message & Record<string, unknown>;
    const named =
      message['source_service_instance_id'] ?? message['service_instance_id'] ?? message['dest_service_instance_id'];
    const instance = state.instances.get(Number(named)) ?? [...state.instances.values()][0];
    const connection = instance?.connection ?? [...state.unidentified][0] ?? 1;
    return { kind: 'line_received', connection, line: encode(message) };
  }
  if (next['connection'] === null) return { ...next, connection: manager };
  if (next['run'] === null) return { ...next, run: state.instances.get(next['instance'] as number)?.run ?? 0 };
  return next;
}

describe('fuzz: agent', () => {
  it('step never throws, breaks no invariant, writes only what can be read', function () {
    this.timeout(60_000);
    const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);
    fc.assert(
      fc.property(remembered, inputs, (start, given) => void run(start, given, false)),
      { numRuns },
    );
  });

  it('the same inputs give the same effects, also when the state went through JSON', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(remembered, inputs, (start, given) => {
        expect(run(start, given, true)).to.deep.equal(run(start, given, false));
      }),
      { numRuns: 60 },
    );
  });
});
