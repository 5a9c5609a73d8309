/** The instance's machine under anything: it never throws, keeps its invariants, and does the same thing twice. */
import { expect } from 'chai';
import fc from 'fast-check';
import { MESSAGE_TYPES } from '../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../ssmmp/core/codec.ts';
import type { InstanceInput } from '../../services/kit/core/inputs.ts';
import { brokenInvariant } from '../../services/kit/core/invariants.ts';
import { initialState } from '../../services/kit/core/state.ts';
import { instanceMachine } from '../../services/kit/core/step.ts';
import { anyMessage } from '../unit/ssmmp/arbitraries.ts';
import { ADDRESS, OTHER, SETTINGS } from '../unit/kit/test-instance.ts';

type Given = Record<string, unknown>;

/** Few values, so that inputs meet each other. */
const plug = fc.constantFrom('posts-plug', 'posts-plug', 'other-plug', 'no-plug');
const opening = fc.integer({ min: 1000, max: 1006 });
const port = fc.constantFrom(20001, 20002);
const key = fc.oneof(
  port.map((source) => `${OTHER}:${source}-${ADDRESS}:54001`),
  fc.integer({ min: 20448, max: 20456 }).map((source) => `${ADDRESS}:${source}-${OTHER}:54002`),
);
const side = fc.constantFrom('source', 'dest');
const status = fc.constantFrom(200, 200, 200, 403, 404, 409, 429, 503, 504);
const session = fc
  .record({ id: opening, status, more: fc.constantFrom('', '', ' ~ x_replicas: 3', ' ~ x_replicas: 99') })
  .map(
    ({ id, status: given, more }) =>
      `type: session_response ~ message_id: ${id} ~ sub_type: agent_to_service ~ dest_service_name: posts-db ~ dest_service_instance_id: 9 ~ dest_socket_name: T ~ dest_service_instance_network_address: ${OTHER} ~ dest_socket_port: 54002 ~ status: ${given}${more}`,
  );
const close = fc.oneof(
  fc
    .integer({ min: 20448, max: 20456 })
    .map(
      (source) =>
        `type: source_service_session_close_request ~ message_id: 30001 ~ sub_type: agent_to_source_service ~ source_service_name: post ~ source_service_instance_id: 7 ~ source_service_instance_network_address: ${ADDRESS} ~ source_plug_name: posts-plug ~ source_plug_port: ${source} ~ dest_service_name: posts-db ~ dest_service_instance_network_address: ${OTHER} ~ dest_socket_name: T ~ dest_socket_port: 54002 ~ dest_socket_new_port: 54002`,
    ),
  port.map(
    (source) =>
      `type: dest_service_session_close_request ~ message_id: 30002 ~ sub_type: agent_to_dest_service ~ dest_service_name: post ~ dest_service_instance_id: 7 ~ dest_service_instance_network_address: ${ADDRESS} ~ source_service_instance_network_address: ${OTHER} ~ source_plug_name: - ~ source_plug_port: ${source} ~ dest_socket_name: S ~ dest_socket_port: 54001 ~ dest_socket_new_port: 54001`,
  ),
);
const shutdown = fc.constantFrom(
  'type: graceful_shutdown_request ~ message_id: 30003 ~ sub_type: agent_to_service_instance ~ service_name: post ~ service_instance_id: 7',
);
const line = fc.oneof(
  { weight: 8, arbitrary: session },
  { weight: 5, arbitrary: close },
  { weight: 1, arbitrary: shutdown },
  { weight: 2, arbitrary: anyMessage.map((message) => encode(message)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...MESSAGE_TYPES).map((type) => `type: ${type} ~ message_id: 1`) },
);

const one = (kind: string, more: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<Given> =>
  fc.record({ kind: fc.constant(kind), ...more }) as fc.Arbitrary<Given>;
const load = fc.record({ utilization: fc.double(), lagMs: fc.double(), inFlight: fc.nat(5000), requests: fc.nat() });

const input: fc.Arbitrary<Given> = fc.oneof(
  { weight: 1, arbitrary: one('started') },
  { weight: 2, arbitrary: one('listening') },
  { weight: 8, arbitrary: one('agent_connected') },
  { weight: 2, arbitrary: one('agent_closed', { why: fc.constant('x'), jitter: fc.double() }) },
  { weight: 20, arbitrary: one('line_received', { line }) },
  { weight: 1, arbitrary: one('oversized_received') },
  { weight: 2, arbitrary: one('measured', { load }) },
  { weight: 12, arbitrary: one('session_needed', { plug, atLeast: fc.constantFrom(1, 1, 2, 9) }) },
  { weight: 12, arbitrary: one('dialed', { opening }) },
  { weight: 4, arbitrary: one('dial_failed', { opening, why: fc.constantFrom('port_in_use', 'refused', 'timeout') }) },
  {
    weight: 5,
    arbitrary: one('session_accepted', {
      socket: fc.constant('S'),
      sourceAddress: fc.constant(OTHER),
      sourcePort: port,
      destPort: fc.constant(54001),
    }),
  },
  { weight: 3, arbitrary: one('idle_checked', { key, idleMs: fc.constantFrom(0, 10_000, 40_000) }) },
  { weight: 6, arbitrary: one('session_drained', { side, key }) },
  { weight: 6, arbitrary: one('session_ended', { side, key, clean: fc.boolean() }) },
  { weight: 2, arbitrary: one('users_drained') },
  { weight: 1, arbitrary: one('service_stopped') },
  { weight: 8, arbitrary: one('tick', { after: fc.constantFrom(0, 50, 1000, 4000, 15_000, 31_000) }) },
);
const inputs = fc
  .tuple(fc.array(input, { minLength: 5, maxLength: 150, size: 'max' }), fc.option(fc.array(input, { maxLength: 20 })))
  .map(([before, after]) => [
    { kind: 'started' },
    ...(after === null ? before : [...before, { kind: 'stop_asked', why: 'SIGTERM' }, ...after]),
  ]);

/** Runs the inputs; what the instance did, as JSON. `reload` sends the state through JSON after every step. */
function run(given: readonly Given[], reload: boolean): string[] {
  const plugs = [...SETTINGS.plugs, { plug: 'other-plug', socket: 'T', service: 'posts-db' }];
  let state = initialState({ ...SETTINGS, plugs });
  let at = 1_000_000;
  return given.map((next) => {
    at += typeof next['after'] === 'number' ? next['after'] : 0;
    const { effects } = instanceMachine.step(state, { ...next, at } as unknown as InstanceInput);
    const broken = brokenInvariant(state);
    if (broken !== null) throw new Error(`${broken}, after ${JSON.stringify(next)}`);
    for (const effect of effects)
      if (effect.kind === 'send' && !decode(effect.line).ok) throw new Error(`unreadable: ${effect.line}`);
    if (reload) state = instanceMachine.load(instanceMachine.save(state));
    return JSON.stringify(effects);
  });
}

describe('fuzz: instance', () => {
  it('step never throws, breaks no invariant, writes only what can be read', function () {
    this.timeout(60_000);
    const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);
    fc.assert(
      fc.property(inputs, (given) => void run(given, false)),
      { numRuns },
    );
  });

  it('the same inputs give the same effects, also when the state went through JSON', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(inputs, (given) => {
        expect(run(given, true)).to.deep.equal(run(given, false));
      }),
      { numRuns: 60 },
    );
  });

  it('an input of no known kind changes nothing', () => {
    expect(run([{ kind: 'started' }, { kind: 'of a later version' }], false)).to.deep.equal([
      '[{"kind":"connect_agent"}]',
      '[]',
    ]);
  });
});
