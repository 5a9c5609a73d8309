// Who is on a connection of the instances' port, and what strangers can do there: nothing.
import { expect } from 'chai';
import { UNIDENTIFIED_CONNECTIONS_MAX } from '../../../agent/core/limits.ts';
import { ack, ADDRESS, gracefulAnswer, hello, sessionRequest, termination, TestAgent } from './test-agent.ts';

describe('agent: connections', () => {
  let agent: TestAgent;
  const open = (connection: number, address = ADDRESS): void => {
    agent.input({ kind: 'connection_opened', connection, address });
  };
  beforeEach(() => {
    agent = new TestAgent().begin();
    agent.execute(5);
    agent.started(5);
  });

  for (const [what, message] of [
    ['a hello', hello(5)],
    ['a session_request', sessionRequest(5)],
    ['an ack', ack(5)],
    ['a termination info', termination(5)],
  ] as const)
    it(`R25 ${what} identifies its connection`, () => {
      open(105);
      agent.from(105, message);
      expect(agent.state.instances.get(5)?.connection).to.equal(105);
      expect(agent.did('close')).to.deep.equal([]);
    });

  it('R25 a hello is never forwarded', () => {
    agent.hello(5);
    expect(agent.wire).to.deep.equal(['1: execution_response 200']);
    agent.from(105, hello(5));
    expect(agent.wire).to.deep.equal([]);
  });

  it('R25 a message without a name on a connection that is nobody: refused', () => {
    open(105);
    agent.from(105, gracefulAnswer(30100));
    expect(agent.wire).to.deep.equal([]);
    expect(agent.state.connections.get(105)).to.include({ instance: null, offences: 1 });
  });

  it('R38 R49 an unknown instance: 409, and it is asked to end, for nobody else could end it', () => {
    open(107);
    agent.from(107, { ...sessionRequest(77) });
    expect(agent.wire).to.deep.equal(['107: session_response 409', '107: graceful_shutdown_request']);
    expect(agent.sent('graceful_shutdown_request', 107)[0]).to.include({ service_instance_id: 77 });
    agent.from(107, hello(77));
    expect(agent.wire, 'asked once, and what it still says is not taken').to.deep.equal([]);
    agent.from(107, gracefulAnswer(30100));
    expect(agent.state.connections.get(107)).to.include({ instance: null, offences: 1 });
  });

  it('an instance that names itself another: 409, and the third closes', () => {
    agent.ready(6);
    agent.hello(5);
    for (const times of [1, 2, 3]) {
      agent.from(105, sessionRequest(6));
      expect(agent.wire).to.deep.equal(['105: session_response 409']);
      expect(agent.did('close')).to.have.length(times === 3 ? 1 : 0);
    }
    expect(agent.state.instances.get(5)?.connection).to.equal(null);
    expect(agent.state.requests.size).to.equal(0);
  });

  it('the right id with another service or address: 400', () => {
    open(105);
    agent.from(105, { ...sessionRequest(5), source_service_name: 'store' });
    expect(agent.wire).to.deep.equal(['105: session_response 400']);
    agent.from(105, { ...sessionRequest(5), source_service_instance_network_address: '127.0.48.12' });
    expect(agent.wire).to.deep.equal(['105: session_response 400']);
    expect(agent.state.instances.get(5)?.connection).to.equal(null);
  });

  it('R25 while one connection speaks for an instance no other may; it is refused and closed', () => {
    agent.hello(5);
    open(205);
    agent.from(205, sessionRequest(5));
    expect(agent.wire).to.deep.equal(['205: session_response 409']);
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([205]);
    agent.from(105, sessionRequest(5));
    expect(agent.wire).to.deep.equal(['1: session_request']);
  });

  it('an instance that has connected again replaces its closed connection', () => {
    agent.hello(5);
    agent.closed(105);
    agent.hello(5, 205);
    expect(agent.state.instances.get(5)?.connection).to.equal(205);
  });

  it('R25 only connections from this machine', () => {
    for (const [connection, address, isLocal] of [
      [201, ADDRESS, true],
      [202, '127.0.0.1', true],
      [203, '::1', true],
      [204, '127.0.48.12', false],
      [205, '10.0.0.9', false],
    ] as const) {
      open(connection, address);
      expect(agent.did('close').length === 0, address).to.equal(isLocal);
    }
    agent.from(205, hello(5));
    expect(agent.state.instances.get(5)?.connection).to.equal(null);
  });

  for (const [what, line] of [
    ['no message', 'hello?'],
    ['an unknown type', 'type: nonsense ~ message_id: 1'],
    [
      'a wrong hop',
      `type: session_ack ~ message_id: 1 ~ sub_type: agent_to_Manager ~ source_service_name: post ~ source_service_instance_id: 5 ~ source_plug_port: 1 ~ dest_socket_new_port: 2 ~ status: 200`,
    ],
    [
      'a message for the Manager only',
      'type: initiation_request ~ message_id: 1 ~ agent_network_address: 127.0.48.11 ~ service_repository: ()',
    ],
    ['a byte above 0x7E', 'type: session_ack ~ message_id: 1 ~ source_service_name: p\xf6st'],
  ] as const)
    it(`R03 ${what}: counted, the third closes`, () => {
      open(105);
      agent.from(105, line);
      agent.from(105, line);
      expect(agent.did('close')).to.deep.equal([]);
      agent.from(105, line);
      expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([105]);
      expect(agent.from(105, hello(5)), 'what is still read from it is not taken').to.deep.equal([]);
    });

  it('R03 an unreadable session_request is answered 400 with its id', () => {
    open(105);
    agent.from(
      105,
      'type: session_request ~ message_id: 1000 ~ sub_type: service_to_agent ~ source_service_name: post',
    );
    expect(agent.sent('session_response', 105)[0]).to.include({
      message_id: 1000,
      status: 400,
      sub_type: 'agent_to_service',
    });
  });

  it('R07 a message over 64 KiB closes the connection', () => {
    agent.hello(5);
    agent.input({ kind: 'oversized_received', connection: 105 });
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([105]);
    expect(agent.state.instances.get(5)?.connection).to.equal(null);
  });

  it('R07, R03 the same on the link to the Manager: closed, and connected again', () => {
    agent.input({ kind: 'oversized_received', connection: 1 });
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([1]);
    agent.wait(300);
    expect(agent.did('connect_manager')).to.have.length(1);
    agent.register();
    for (let times = 0; times < 3; times += 1) agent.fromManager('what?');
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([2]);
  });

  it('R03 an unreadable request of the Manager is answered 400', () => {
    agent.fromManager('type: execution_request ~ message_id: 30500 ~ service_name: post');
    expect(agent.sent('execution_response', 1)[0]).to.include({ message_id: 30500, status: 400 });
  });

  it('a stranger that says nothing is closed after unidentifiedMs, an instance is not', () => {
    open(300);
    agent.hello(5);
    agent.wait(9_999);
    expect(agent.did('close')).to.deep.equal([]);
    agent.wait(1);
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([300]);
  });

  it(`of more than ${UNIDENTIFIED_CONNECTIONS_MAX} strangers the oldest is closed for the next`, () => {
    agent.hello(5);
    for (let at = 0; at < UNIDENTIFIED_CONNECTIONS_MAX; at += 1) open(1000 + at);
    expect(agent.did('close')).to.deep.equal([]);
    open(9000);
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([1000]);
    agent.from(105, sessionRequest(5));
    expect(agent.wire, 'nobody else notices').to.deep.equal(['1: session_request']);
  });

  it('an ending instance takes its connection along', () => {
    agent.hello(5);
    agent.ended(5, 1);
    agent.wait(200);
    expect(agent.state.connections.size).to.equal(0);
  });
});
