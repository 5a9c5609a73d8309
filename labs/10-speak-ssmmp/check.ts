/**
 * Lab 10: an agent in any language, driven as a Manager and as instances would.
 *
 * Lives here: what each item expects. Does not live here: the bench (driver/).
 *
 * Theory. Nothing here sleeps. "Not before the hello" is checked with a barrier: the agent's answer to a health request
 * that was sent later. "Only once" likewise. What is refused to be answered is followed by something that must be answered.
 */
import { defineChecks, expectEqual, Unmet } from '../runner/api.ts';
import { Bench, isAlive, SECRET, SERVICES } from './driver/bench.ts';
import { mustBe, mustHaveStatus } from './driver/manager.ts';
import { linesOf, say, valueOf } from './driver/wire.ts';
import type { Fields, Heard } from './driver/wire.ts';

const SOCKETS = 'main-socket, 54001';
const PLUGS = 'data-plug, data-socket, store';
const SESSION_ID = 1000;
const BACK_MS = 10_000;
const OVERSIZED_CHARACTERS = 70_000;
const OFFENCES = 3;
const ACK_OF_41: Fields = {
  source_service_name: 'talker',
  source_service_instance_id: 41,
  source_plug_port: 20_041,
  dest_socket_new_port: 54_000,
  status: 504,
};
/** Of the public page: what an agent answers for an id it does not know. */
const UNKNOWN_ID = 999;

/** The fields of an open request of `talker/id` for a session to the store. */
function sessionFields(bench: Bench, id: number): Fields {
  return {
    source_service_name: 'talker',
    source_service_instance_id: id,
    source_service_instance_network_address: bench.address,
    source_plug_name: 'data-plug',
    dest_service_name: 'store',
    dest_socket_name: 'data-socket',
  };
}

function responseFields(id: number, port: number): Fields {
  return {
    source_service_name: 'talker',
    source_service_instance_id: id,
    dest_service_name: 'store',
    dest_service_instance_id: 77,
    dest_socket_name: 'data-socket',
    dest_service_instance_network_address: '127.99.0.9',
    dest_socket_port: port,
    status: 200,
  };
}

/** The fields by which both ends know a session. */
function closeFields(bench: Bench, id: number): Fields {
  return {
    source_service_name: 'talker',
    source_service_instance_id: id,
    source_service_instance_network_address: bench.address,
    source_plug_name: 'data-plug',
    source_plug_port: 20_001,
    dest_service_name: 'store',
    dest_service_instance_network_address: '127.99.0.9',
    dest_socket_name: 'data-socket',
    dest_socket_port: 54_000,
    dest_socket_new_port: 54_000,
  };
}

export const checks = defineChecks({
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

  async 'starts-programs'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const exchange = bench.execute('talker', 5, SOCKETS, PLUGS);
    const puppet = await bench.puppets.started(5);
    const args = ['talker', '5', bench.address, SOCKETS, PLUGS];
    expectEqual('the arguments of the program', puppet.started.args, args, {
      remark: 'Five arguments, in this order; each configuration is one argument, also when it is empty.',
    });
    if (puppet.started.environment.includes(SECRET))
      throw new Unmet({
        expected: 'a clean environment: PATH, HOME, LANG and little else',
        came: `the child sees ${SECRET}, a secret of its agent`,
      });
    await puppet.dial();
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'no execution_response before the instance has said hello (R26)',
      ({ id }) => id === String(exchange),
    );
    puppet.say(bench.hello(5));
    await bench.executed(exchange, 200, 'the instance has said hello');
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'the hello stays with the agent (R25)',
      ({ type }) => type === 'service_instance_health_response',
    );
  },

  async 'ready-or-not'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const unknown = bench.execute('nobody', 10);
    await bench.executed(unknown, 404, 'no such service in the repository (R27)');
    const elsewhere = bench.execute('talker', 11, '', '', '127.98.7.6');
    await bench.executed(elsewhere, 421, 'that is not my address (R28)');
    const short = bench.execute('short', 12);
    await bench.executed(short, 500, 'the program ended before it was ready (R26)');
    const silent = bench.execute('listener', 13, SOCKETS);
    const puppet = await bench.puppets.started(13);
    await puppet.listen(54_001);
    await bench.executed(silent, 200, 'it says no hello, but every configured socket accepts a connection (R26)');
    const again = bench.execute('listener', 13, SOCKETS);
    await bench.executed(again, 200, 'this instance runs already (R28)');
    expectEqual('processes of instance 13', bench.puppets.all.filter(({ id }) => id === 13).length, 1);
  },

  async 'opens-sessions'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const [one, two] = [await bench.running('talker', 21, '', PLUGS), await bench.running('talker', 22, '', PLUGS)];
    // Both count from 1000, as all services do (R10): the answers must find the right one.
    for (const puppet of [one, two]) {
      puppet.say(say('session_request', SESSION_ID, 'service_to_agent', sessionFields(bench, puppet.id)));
      const up = await bench.manager.next(
        `the session_request of talker/${puppet.id}`,
        (heard) =>
          heard.type === 'session_request' && valueOf(heard, 'source_service_instance_id') === String(puppet.id),
      );
      const expected = say('session_request', SESSION_ID, 'agent_to_Manager', sessionFields(bench, puppet.id));
      mustBe(up, linesOf(expected), bench.manager.tail());
    }
    for (const [puppet, port] of [
      [two, 54_022],
      [one, 54_021],
    ] as const) {
      bench.manager.say(say('session_response', SESSION_ID, 'Manager_to_agent', responseFields(puppet.id, port)));
      await puppet.exactly(say('session_response', SESSION_ID, 'agent_to_service', responseFields(puppet.id, port)));
    }
    const other = one.heard.filter((heard) => heard.type === 'session_response').length;
    expectEqual('session_responses at talker/21', other, 1, {
      remark: 'Two instances may use the same id at one agent: the key is (originator, message_id), R10.',
    });
    for (const puppet of [one, two]) {
      const ack: Fields = {
        source_service_name: 'talker',
        source_service_instance_id: puppet.id,
        source_plug_port: 20_000 + puppet.id,
        dest_socket_new_port: 54_000 + puppet.id,
        status: 200,
      };
      puppet.say(say('session_ack', SESSION_ID, 'service_to_agent', ack));
      await bench.manager.exactly(say('session_ack', SESSION_ID, 'agent_to_Manager', ack));
    }
  },

  async 'closes-sessions'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const source = await bench.running('talker', 31, '', PLUGS);
    const dest = await bench.running('talker', 32, SOCKETS);
    const info = { ...closeFields(bench, 31) };
    const told: Fields = {
      source_service_name: 'talker',
      source_service_instance_id: 31,
      source_service_instance_network_address: bench.address,
      source_plug_name: 'data-plug',
      source_plug_port: 20_001,
      dest_service_name: 'store',
      dest_service_instance_id: 77,
      dest_service_instance_network_address: '127.99.0.9',
      dest_socket_name: 'data-socket',
      dest_socket_port: 54_000,
      dest_socket_new_port: 54_000,
      status: 111,
    };
    source.say(say('source_service_session_close_info', 1001, 'source_service_to_agent', told));
    await bench.manager.exactly(say('source_service_session_close_info', 1001, 'agent_to_Manager', told));
    const destTold: Fields = {
      source_service_instance_network_address: '127.99.0.9',
      source_plug_name: '-',
      source_plug_port: 20_500,
      dest_service_name: 'talker',
      dest_service_instance_network_address: bench.address,
      dest_service_instance_id: 32,
      dest_socket_name: 'main-socket',
      dest_socket_port: 54_001,
      dest_socket_new_port: 54_001,
      status: 122,
    };
    dest.say(say('dest_service_session_close_info', 1002, 'dest_service_to_agent', destTold));
    await bench.manager.exactly(say('dest_service_session_close_info', 1002, 'agent_to_Manager', destTold));

    const atSource = bench.manager.ask('source_service_session_close_request', info);
    await source.exactly(say('source_service_session_close_request', atSource, 'agent_to_source_service', info));
    source.say(say('source_service_session_close_response', atSource, 'source_service_to_agent', { status: 200 }));
    await bench.manager.exactly(
      say('source_service_session_close_response', atSource, 'agent_to_Manager', { status: 200 }),
    );

    const destInfo: Fields = {
      dest_service_name: 'talker',
      dest_service_instance_id: 32,
      dest_service_instance_network_address: bench.address,
      source_service_instance_network_address: '127.99.0.9',
      source_plug_name: 'data-plug',
      source_plug_port: 20_500,
      dest_socket_name: 'main-socket',
      dest_socket_port: 54_001,
      dest_socket_new_port: 54_001,
    };
    const atDest = bench.manager.ask('dest_service_session_close_request', destInfo);
    await dest.exactly(say('dest_service_session_close_request', atDest, 'agent_to_dest_service', destInfo));
    dest.say(say('dest_service_session_close_response', atDest, 'dest_service_to_agent', { status: 404 }));
    await bench.manager.exactly(
      say('dest_service_session_close_response', atDest, 'agent_to_Manager', { status: 404 }),
    );
  },

  async 'shuts-down'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const polite = await bench.running('talker', 41);
    const ask = bench.manager.ask('graceful_shutdown_request', { service_name: 'talker', service_instance_id: 41 });
    const down = say('graceful_shutdown_request', ask, 'agent_to_service_instance', {
      service_name: 'talker',
      service_instance_id: 41,
    });
    await polite.exactly(down);
    // A last report and the answer in one packet: when the report has come, the agent has read the answer too. The instance
    // still runs, and "off" needs proof of death (R31).
    const last = say('session_ack', SESSION_ID, 'service_to_agent', ACK_OF_41);
    polite.say(last + say('graceful_shutdown_response', ask, 'service_instance_to_agent', { status: 200 }));
    await bench.manager.exactly(say('session_ack', SESSION_ID, 'agent_to_Manager', ACK_OF_41));
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'graceful_shutdown_response only once the process is gone (R31)',
      ({ id }) => id === String(ask),
    );
    polite.exit(0);
    await bench.manager.exactly(say('graceful_shutdown_response', ask, 'agent_to_Manager', { status: 200 }));

    const stubborn = await bench.running('talker', 42);
    const kill = bench.manager.ask('hard_shutdown_request', { service_name: 'talker', service_instance_id: 42 });
    const answer = await bench.manager.answer('hard_shutdown_response', kill);
    mustHaveStatus(answer, 200, 'killed and reaped', bench.manager.tail());
    expectEqual('the process of talker/42 still runs when the answer comes', isAlive(stubborn.started.pid), false);
    const nobody = bench.manager.ask('hard_shutdown_request', {
      service_name: 'talker',
      service_instance_id: UNKNOWN_ID,
    });
    mustHaveStatus(
      await bench.manager.answer('hard_shutdown_response', nobody),
      404,
      'no such instance (R34)',
      bench.manager.tail(),
    );
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'no termination report for an end that the Manager asked for (R30)',
      ({ type }) => type === 'service_instance_termination_info',
    );
  },

  async 'reports-ends'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const [crashes, leaves] = [await bench.running('talker', 51), await bench.running('talker', 52)];
    process.kill(crashes.started.pid, 'SIGKILL');
    const fields = (id: number): Fields => ({
      service_name: 'talker',
      service_instance_id: id,
      service_instance_network_address: bench.address,
    });
    const report = async (id: number): Promise<string> => {
      const heard = await bench.manager.next(
        `a service_instance_termination_info for instance ${id}`,
        (one) => one.type === 'service_instance_termination_info' && valueOf(one, 'service_instance_id') === String(id),
      );
      const lines = linesOf(say('service_instance_termination_info', 0, 'agent_to_Manager', fields(id)));
      mustBe(
        heard,
        lines.map(([name, contents]) => [name, name === 'message_id' ? null : contents] as const),
        bench.manager.tail(),
      );
      return valueOf(heard, 'x_exit');
    };
    expectEqual('x_exit of the instance that was killed', await report(51), 'signal SIGKILL', {
      page: 'docs/rulings.md',
    });
    // An end by business logic: the instance reports it, then exits. One message a death.
    leaves.say(say('service_instance_termination_info', 1005, 'service_instance_to_agent', fields(52)));
    leaves.exit(0);
    const exit = await report(52);
    expectEqual('an end by business logic has no x_exit but code 0', ['', 'code 0'].includes(exit), true);
    // Whatever its status, this answer means that the process is reaped; a second report would have come by then.
    const kill = bench.manager.ask('hard_shutdown_request', { service_name: 'talker', service_instance_id: 52 });
    await bench.manager.answer('hard_shutdown_response', kill);
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome('one report a death (R30)', ({ type }) => type === 'service_instance_termination_info');
  },

  async 'answers-health'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const puppet = await bench.running('talker', 61);
    const own = bench.manager.ask('agent_health_control_request', { agent_network_address: bench.address });
    await bench.manager.exactly(
      say('agent_health_control_response', own, 'agent_to_Manager', {
        agent_network_address: bench.address,
        status: 200,
      }),
    );
    const question: Fields = { service_instance_id: 61, service_instance_network_address: bench.address };
    const asked = bench.manager.ask('service_instance_health_request', question);
    await puppet.exactly(say('service_instance_health_request', asked, 'agent_to_service_instance', question));
    puppet.say(
      say('service_instance_health_response', asked, 'service_instance_to_agent', {
        service_instance_id: 61,
        status: 199,
      }),
    );
    await bench.manager.exactly(
      say('service_instance_health_response', asked, 'agent_to_Manager', { service_instance_id: 61, status: 199 }),
    );
    await bench.manager.next(
      '404 for an instance that it does not know (R45)',
      await healthAnswer(bench, UNKNOWN_ID, 404),
    );
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
});

/** Asks for an instance's health; gives what the answer must be. */
async function healthAnswer(bench: Bench, id: number, status: number): Promise<(heard: Heard) => boolean> {
  const asked = bench.manager.ask('service_instance_health_request', {
    service_instance_id: id,
    service_instance_network_address: bench.address,
  });
  await bench.manager.barrier(bench.address);
  return (heard) =>
    heard.type === 'service_instance_health_response' &&
    heard.id === String(asked) &&
    valueOf(heard, 'status') === String(status);
}
