/** The Manager's dialogues of opening and closing sessions, ruling by ruling. */
import { expect } from 'chai';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { sessionAck, sessionRequest, smallCluster, termination, type TestManager } from './harness.ts';

const HERE = '127.0.0.11';

/** front runs, gate asked for it and has its session. */
function withSession(): { m: TestManager; agent: number; gate: number; front: number; port: number; key: string } {
  const { m, agent, gate } = smallCluster();
  m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
  const start = m.one('execution_request');
  m.started(agent, start.message_id);
  const granted = m.one('session_response');
  const port = granted.dest_socket_port as number;
  m.say(agent, sessionAck(1000, ['gate', gate], 20000, port));
  return { m, agent, gate, front: start.service_instance_id, port, key: `${HERE}:20000-${HERE}:${port}` };
}

function closeInfo(
  side: 'source' | 'dest',
  gate: number,
  front: number,
  port: number,
  status = 111,
  sourcePort = 20000,
): Message {
  const common = {
    message_id: 1001,
    source_service_instance_network_address: HERE,
    source_plug_name: 'front-plug',
    source_plug_port: sourcePort,
    dest_service_name: 'front',
    dest_service_instance_id: front,
    dest_service_instance_network_address: HERE,
    dest_socket_name: 'front-socket',
    dest_socket_port: port,
    dest_socket_new_port: port,
    status,
    sub_type: 'agent_to_Manager',
  };
  return side === 'source'
    ? {
        ...common,
        type: 'source_service_session_close_info',
        source_service_name: 'gate',
        source_service_instance_id: gate,
      }
    : { ...common, type: 'dest_service_session_close_info' };
}

describe('Manager: opening a session', () => {
  it('R36 answers after the start, and any number of requests start one instance', () => {
    const { m, agent, gate } = smallCluster();
    for (let id = 1000; id < 1005; id += 1) {
      m.say(agent, sessionRequest(id, ['gate', gate], 'front-plug', 'front-socket', 'front'));
      expect(m.sent('execution_request')).to.have.length(id === 1000 ? 1 : 0);
      expect(m.sent('session_response')).to.have.length(0);
    }
    const front = m.journal
      .flatMap(({ out }) => m.sent('execution_request', out))
      .find(({ service_name }) => service_name === 'front');
    m.started(agent, front?.message_id ?? 0);
    const answers = m.sent('session_response');
    expect(answers.map(({ message_id }) => message_id)).to.deep.equal([1000, 1001, 1002, 1003, 1004]);
    expect(answers[0]).to.deep.include({
      dest_service_instance_id: front?.service_instance_id,
      dest_socket_port: 54001,
      status: 200,
    });
  });

  it('R37 404 unknown service, 403 not an edge; the fields are there and empty', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'nowhere'));
    expect(m.one('session_response')).to.deep.include({
      status: 404,
      dest_service_instance_id: null,
      dest_socket_port: null,
    });
    m.say(agent, sessionRequest(1001, ['gate', gate], 'front-plug', 'store-socket', 'store'));
    expect(m.one('session_response')).to.deep.include({ status: 403 });
  });

  it('R38 409 when the source is not alive, is another’s, or names itself wrongly', () => {
    const { m, agent, gate } = smallCluster();
    for (const source of [
      ['gate', 99],
      ['front', gate],
    ] as [string, number][]) {
      m.say(agent, sessionRequest(1000, source, 'front-plug', 'front-socket', 'front'));
      expect(m.one('session_response').status).to.equal(409);
      expect(m.events().join()).to.match(/409/);
    }
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', []);
    m.say(other, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.one('session_response').status).to.equal(409);
  });

  it('R37 503 when no node can run the service', () => {
    const { m, agent, gate } = smallCluster();
    m.register(agent, HERE, ['gate', 'store'], { x_node: 'n1', x_running_instances: '1, 2' });
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.one('session_response').status).to.equal(503);
  });

  it('R37 504 when the start takes longer than a session request may', () => {
    const { m, agent, gate } = smallCluster({ timerScale: 0.1 });
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const answers = m.sent('session_response', m.pass(1600));
    expect(answers.map(({ status }) => status)).to.deep.equal([504]);
  });

  it('R10 two instances may use the same message_id', () => {
    const { m, agent, front } = withSession();
    m.say(agent, sessionRequest(1000, ['front', front], 'store-plug', 'store-socket', 'store'));
    const answer = m.one('session_response');
    m.say(agent, sessionAck(1000, ['front', front], 20001, answer.dest_socket_port as number));
    expect(m.state.sessions.size).to.equal(2);
  });

  it('R33 a grant counts as a session until its ack or 5 s; R39 then it is unconfirmed and an ack still counts', () => {
    const { m, agent, gate, front, port } = withSession();
    m.say(agent, sessionRequest(1002, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.state.instances.get(front)?.grantsIn.size).to.equal(1);
    const answered = m.pass(4900);
    expect(m.events(answered).join()).not.to.match(/unconfirmed/);
    expect(m.events(m.pass(200)).join()).to.match(/unconfirmed/);
    expect(m.state.instances.get(front)?.grantsIn.size).to.equal(0);
    m.say(agent, sessionAck(1002, ['gate', gate], 20002, port));
    expect(m.state.sessions.size).to.equal(2);
  });

  it('R47 the same request again, when what it was granted has ended or is away: it is given another', () => {
    const { m, agent, gate } = smallCluster();
    const request = sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front');
    m.say(agent, request);
    const first = m.one('execution_request');
    m.started(agent, first.message_id);
    // The answer is lost on its way, and its agent is back only when the grant is unconfirmed and its instance dead.
    m.pass(5000);
    m.say(agent, termination('front', first.service_instance_id, 'signal SIGKILL'));
    const second = m.one('execution_request');
    m.started(agent, second.message_id);
    m.say(agent, request);
    expect(m.one('session_response')).to.deep.include({
      status: 200,
      dest_service_instance_id: second.service_instance_id,
    });

    const other = sessionRequest(1001, ['gate', gate], 'front-plug', 'front-socket', 'front');
    m.say(agent, other);
    expect(m.one('session_response').dest_service_instance_id).to.equal(second.service_instance_id);
    m.command(1, { command: 'stop', instance: `front/${second.service_instance_id}`, hard: true });
    m.say(agent, other);
    expect(m.sent('session_response'), 'not to one that is being killed').to.deep.equal([]);
    const third = m.one('execution_request');
    m.started(agent, third.message_id);
    expect(m.one('session_response')).to.deep.include({
      message_id: 1001,
      dest_service_instance_id: third.service_instance_id,
    });
  });

  it('R33 a refused connection is acked with 502, its instance gets nothing until it answers', () => {
    const { m, agent, gate, front, port } = withSession();
    m.say(agent, sessionRequest(1002, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    m.say(agent, sessionAck(1002, ['gate', gate], 20001, port, 502));
    const probe = m.one('service_instance_health_request');
    expect(probe.service_instance_id).to.equal(front);
    m.say(agent, sessionRequest(1003, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.sent('session_response')).to.have.length(0);
    m.say(agent, {
      type: 'service_instance_health_response',
      message_id: probe.message_id,
      sub_type: 'agent_to_Manager',
      service_instance_id: front,
      status: 200,
    });
    expect(m.one('session_response')).to.deep.include({ message_id: 1003, status: 200 });
  });

  it('R39 an ack sent twice changes nothing', () => {
    const { m, agent, gate, port } = withSession();
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, port));
    expect(m.last).to.deep.equal([]);
    expect(m.state.sessions.size).to.equal(1);
  });

  it('R45 an overloaded instance (199) gets no new session, and gets them again at 200', () => {
    const { m, agent, gate, front } = withSession();
    const health = (status: number): void => {
      m.silent.add(front);
      const probe = m
        .sent('service_instance_health_request', m.pass(1100))
        .find(({ service_instance_id }) => service_instance_id === front);
      m.say(agent, {
        type: 'service_instance_health_response',
        message_id: probe?.message_id ?? 0,
        sub_type: 'agent_to_Manager',
        service_instance_id: front,
        status,
      });
    };
    health(199);
    m.say(agent, sessionRequest(1005, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.sent('session_response')).to.have.length(0);
    health(200);
    expect(m.one('session_response')).to.deep.include({ message_id: 1005, status: 200 });
  });

  it('429 when one instance asks for too many at once', () => {
    const { m, agent, gate } = smallCluster();
    for (let n = 0; n < 1024; n += 1)
      m.say(agent, sessionRequest(1000 + n, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    m.say(agent, sessionRequest(5000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.one('session_response').status).to.equal(429);
  });
});

describe('Manager: closing a session', () => {
  for (const first of ['source', 'dest'] as const)
    it(`R42 both ends report, the ${first} first: the first removes, the second is absorbed`, () => {
      const { m, agent, gate, front, port, key } = withSession();
      m.say(agent, closeInfo(first, gate, front, port));
      expect(m.state.sessions.has(key)).to.equal(false);
      expect(m.state.tombstones.size).to.equal(1);
      m.say(agent, closeInfo(first === 'source' ? 'dest' : 'source', gate, front, port));
      expect(m.state.tombstones.size).to.equal(0);
      expect(m.last).to.deep.equal([]);
    });

  it('R20 a source port is used again: the late report of the old session does not touch the new one', () => {
    const { m, agent, gate, front, port, key } = withSession();
    m.say(agent, closeInfo('source', gate, front, port));
    m.say(agent, sessionRequest(1002, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    m.say(agent, sessionAck(1002, ['gate', gate], 20000, port));
    m.say(agent, closeInfo('dest', gate, front, port));
    expect(m.state.sessions.get(key)?.status).to.equal('on');
  });

  it('R42 a close reported before the ack: the ack cannot bring the session back', () => {
    const { m, agent, gate, front, port } = withSession();
    m.say(agent, sessionRequest(1002, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    m.say(agent, closeInfo('dest', gate, front, port, 122, 20009));
    m.say(agent, sessionAck(1002, ['gate', gate], 20009, port));
    expect(m.state.sessions.size).to.equal(1);
    m.say(agent, closeInfo('source', gate, front, port, 122, 20009));
    expect(m.state.tombstones.size).to.equal(0);
  });

  it('R19 a report with another source port closes nobody else’s session', () => {
    const { m, agent, gate, front, port, key } = withSession();
    m.say(agent, closeInfo('source', gate, front, port, 111, 20001));
    expect(m.state.sessions.get(key)?.status).to.equal('on');
  });

  it('R40 a report without the destination’s id is read', () => {
    const { m, agent, gate, front, port } = withSession();
    m.say(agent, { ...closeInfo('source', gate, front, port), dest_service_instance_id: null } as Message);
    expect(m.state.sessions.size).to.equal(0);
  });

  it('R40 whose end a report tells of is read from the session, not from an id that may be missing', () => {
    const { m, gate, front, port } = withSession();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', []);
    for (const id of [null, 555]) {
      m.say(other, { ...closeInfo('dest', gate, front, port), dest_service_instance_id: id } as Message);
      expect(m.state.sessions.size).to.equal(1);
      expect(m.events().join()).to.match(/has no end/);
    }
  });

  it('a report by an agent that has neither end is in the history and changes nothing', () => {
    const { m, gate, front, port } = withSession();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', []);
    m.say(other, closeInfo('source', gate, front, port));
    expect(m.state.sessions.size).to.equal(1);
    expect(m.events().join()).to.match(/has no end/);
  });

  it('R44 the Manager asks the source; 404 counts as closed', () => {
    const { m, agent, front } = withSession();
    m.command(1, { command: 'stop', instance: `front/${front}`, hard: false });
    const request = m.one('source_service_session_close_request');
    m.say(agent, {
      type: 'source_service_session_close_response',
      message_id: request.message_id,
      sub_type: 'agent_to_Manager',
      status: 404,
    });
    expect(m.state.sessions.size).to.equal(0);
    expect(m.one('graceful_shutdown_request').service_instance_id).to.equal(front);
  });

  it('R41 the destination is asked with the plug of the edge when the source does not answer', () => {
    const { m, front } = withSession();
    m.command(1, { command: 'stop', instance: String(front), hard: false });
    const asked = m.sent('dest_service_session_close_request', m.pass(5000));
    expect(asked[0]).to.deep.include({
      dest_service_instance_id: front,
      source_plug_name: 'front-plug',
      source_plug_port: 20000,
    });
  });

  it('R30 when the source ends, the destination is asked to close', () => {
    const { m, agent, gate, front } = withSession();
    m.say(agent, {
      type: 'service_instance_termination_info',
      message_id: 5,
      sub_type: 'agent_to_Manager',
      service_name: 'gate',
      service_instance_id: gate,
      service_instance_network_address: HERE,
      x: { x_exit: 'signal SIGKILL' },
    });
    expect(m.one('dest_service_session_close_request').dest_service_instance_id).to.equal(front);
    expect(m.one('execution_request').service_name).to.equal('gate');
  });
});
