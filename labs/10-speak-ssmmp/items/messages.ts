/**
 * Items of lab 10: sessions are opened and closed through the agent, and health is asked.
 */
import { expectEqual } from '../../runner/api.ts';
import type { CheckItems } from '../../runner/api.ts';
import { Bench } from '../driver/bench.ts';
import { PLUGS, SESSION_ID, sessionFields, SOCKETS, UNKNOWN_ID } from '../driver/fields.ts';
import { mustBe } from '../driver/manager.ts';
import { linesOf, say, valueOf } from '../driver/wire.ts';
import type { Fields, Heard } from '../driver/wire.ts';

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

export const messages: CheckItems = {
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
};

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
