/**
 * Items of lab 10: the link to the Manager, and what strangers say.
 */
import { expectEqual, Unmet } from '../../runner/api.ts';
import type { CheckItems } from '../../runner/api.ts';
import { Bench, isAlive, SERVICES } from '../driver/bench.ts';
import { PLUGS, SESSION_ID, sessionFields } from '../driver/fields.ts';
import { mustBe } from '../driver/manager.ts';
import { linesOf, say, valueOf } from '../driver/wire.ts';
import type { Fields } from '../driver/wire.ts';

const BACK_MS = 10_000;
const OVERSIZED_CHARACTERS = 70_000;
const OFFENCES = 3;

export const link: CheckItems = {
  async registers(work) {
    const bench = await Bench.start(work);
    const heard = await bench.registration();
    const lines = [
      ['type', 'initiation_request'],
      ['message_id', null],
      ['agent_network_address', bench.address],
      ['service_repository', null],
    ] as const;
    mustBe(heard, lines, bench.manager.tail());
    const names = valueOf(heard, 'service_repository')
      .replace(/^\(|\)$/g, '')
      .split(/[,;] ?/);
    expectEqual('the names in service_repository', names.sort(), [...SERVICES].sort(), { page: 'docs/rulings.md' });
    bench.manager.say(say('initiation_response', heard.id, '', { status: 200 }));
    await bench.manager.barrier(bench.address);
    expectEqual('connections to the Manager', bench.manager.connections, 1);
  },

  async 'bears-strangers'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const good = await bench.running('talker', 71);
    const bad = await bench.running('talker', 72);
    // Split at odd places, two messages in one packet, CRLF, lines that it does not know behind the known ones.
    const request = say('session_request', SESSION_ID, 'service_to_agent', sessionFields(bench, 71));
    const next = request.replace('message_id: 1000', 'message_id: 1001').replace('\n', ' ~ x_new: 1\r\n');
    for (const piece of [request.slice(0, 7), request.slice(7, 90), `${request.slice(90)}${next}`]) good.say(piece);
    for (const id of [SESSION_ID, SESSION_ID + 1]) {
      const heard = await bench.manager.answer('session_request', id);
      const expected = say('session_request', id, 'agent_to_Manager', sessionFields(bench, 71));
      mustBe(heard, linesOf(expected), bench.manager.tail());
    }
    for (let offence = 0; offence < OFFENCES; offence += 1) bad.say(`GET / HTTP/1.1 number ${offence}\n`);
    await bad.closed(`the connection is closed at the third unreadable message (R03)`);
    bad.forget();
    await bad.dial();
    bad.say('x'.repeat(OVERSIZED_CHARACTERS));
    await bad.closed('the connection is closed at a line over 64 KiB (R07)');
    if (bench.hasAgentEnded)
      throw new Unmet({ expected: 'an agent that goes on', came: `it ended; it printed\n${bench.talk}` });
    expectEqual('the other instance was closed too', good.wasClosed, false);
    const question: Fields = { service_instance_id: 71, service_instance_network_address: bench.address };
    const asked = bench.manager.ask('service_instance_health_request', question);
    await good.exactly(say('service_instance_health_request', asked, 'agent_to_service_instance', question));
  },

  async 'comes-back'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const puppet = await bench.running('talker', 81, '', PLUGS);
    bench.manager.breakLink();
    // What an instance asks while there is no Manager is kept, and sent once the agent has registered again (R47).
    puppet.say(say('session_request', SESSION_ID, 'service_to_agent', sessionFields(bench, 81)));
    const again = await bench.manager.next(
      'a second initiation_request',
      ({ type }) => type === 'initiation_request',
      BACK_MS,
    );
    bench.mustNotHaveCome('nothing before the registration is answered', ({ type }) => type === 'session_request');
    bench.manager.say(say('initiation_response', again.id, '', { status: 503 }));
    const third = await bench.manager.next(
      'another initiation_request after 503: later is not never (R52)',
      ({ type }) => type === 'initiation_request',
      BACK_MS,
    );
    bench.manager.say(say('initiation_response', third.id, '', { status: 200 }));
    await bench.manager.exactly(say('session_request', SESSION_ID, 'agent_to_Manager', sessionFields(bench, 81)));
    expectEqual('the process of talker/81 still runs', isAlive(puppet.started.pid), true, {
      remark: 'The Manager’s death is no reason to end anybody.',
    });
    const same = bench.execute('talker', 81, '', PLUGS);
    await bench.executed(same, 200, 'this instance runs already (R28)');
    expectEqual('processes of instance 81', bench.puppets.all.filter(({ id }) => id === 81).length, 1);
  },
};
