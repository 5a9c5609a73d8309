/** The Manager's dialogues of shutdown, termination and health, and its own restart, ruling by ruling. */
import { expect } from 'chai';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { sessionAck, sessionRequest, smallCluster, termination } from './harness.ts';

const HERE = '127.0.0.11';
const ALL = ['gate', 'front', 'side', 'store'];

describe('Manager: shutdown', () => {
  it('R32 drains: sessions that come in, sessions that go out, graceful; nothing new is given meanwhile', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.started(agent, start.message_id);
    const front = start.service_instance_id;
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, m.one('session_response').dest_socket_port as number));
    m.say(agent, sessionRequest(1000, ['front', front], 'store-plug', 'store-socket', 'store'));
    m.say(agent, sessionAck(1000, ['front', front], 20001, m.one('session_response').dest_socket_port as number));

    m.command(9, { command: 'stop', instance: `front/${front}`, hard: false });
    const incoming = m.one('source_service_session_close_request');
    expect(incoming.source_service_name).to.equal('gate');
    m.say(agent, sessionRequest(1001, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.sent('session_response')).to.deep.equal([]);
    const replacement = m.one('execution_request');
    m.say(agent, {
      type: 'source_service_session_close_response',
      message_id: incoming.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    const outgoing = m.one('source_service_session_close_request');
    expect(outgoing.source_service_name).to.equal('front');
    m.say(agent, {
      type: 'source_service_session_close_response',
      message_id: outgoing.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    const graceful = m.one('graceful_shutdown_request');
    m.say(agent, {
      type: 'graceful_shutdown_response',
      message_id: graceful.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    expect(m.last.find(({ kind }) => kind === 'reply')).to.deep.include({ request: 9, status: 200 });
    m.started(agent, replacement.message_id);
    expect(m.one('session_response')).to.deep.include({
      message_id: 1001,
      dest_service_instance_id: replacement.service_instance_id,
    });
  });

  it('R33 an ack that arrives while the destination drains: the new session is closed at once', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.started(agent, start.message_id);
    const port = m.one('session_response').dest_socket_port as number;
    m.command(1, { command: 'stop', instance: String(start.service_instance_id), hard: false });
    expect(m.sent('graceful_shutdown_request')).to.deep.equal([]);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, port));
    expect(m.one('source_service_session_close_request').source_plug_port).to.equal(20000);
  });

  it('R31 after 10 s without a graceful_shutdown_response: hard; R34 404 counts as done', () => {
    const { m, agent, store } = smallCluster();
    m.command(1, { command: 'stop', instance: `store/${store}`, hard: false });
    expect(m.one('graceful_shutdown_request').service_instance_id).to.equal(store);
    expect(m.sent('hard_shutdown_request', m.pass(9900))).to.deep.equal([]);
    const hard = m.one('hard_shutdown_request', m.pass(200));
    m.say(agent, {
      type: 'hard_shutdown_response',
      message_id: hard.message_id,
      sub_type: 'agent_to_Manager',
      service_instance_id: store,
      status: 404,
    });
    expect(m.state.ended.get(store)?.status).to.equal('off');
  });

  it('R34 hard: the other ends are told to close first, with 1 s', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.started(agent, start.message_id);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, m.one('session_response').dest_socket_port as number));
    m.command(1, { command: 'stop', instance: String(start.service_instance_id), hard: true });
    expect(m.one('source_service_session_close_request').source_service_name).to.equal('gate');
    expect(m.sent('hard_shutdown_request')).to.deep.equal([]);
    expect(m.sent('hard_shutdown_request', m.pass(1000))).to.have.length(1);
  });

  it('a stop of an unknown instance is a clear 404', () => {
    const { m } = smallCluster();
    m.command(1, { command: 'stop', instance: 'post/99', hard: false });
    expect(m.last[0]).to.deep.include({ kind: 'reply', status: 404 });
  });

  it('the testbed stops: gateways first, then services, then stores, and is answered when nothing is left', () => {
    const { m, agent, gate, store } = smallCluster();
    m.command(5, { command: 'shutdown' });
    const first = m.one('graceful_shutdown_request');
    expect(first.service_instance_id).to.equal(gate);
    m.say(agent, {
      type: 'graceful_shutdown_response',
      message_id: first.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    const second = m.one('graceful_shutdown_request');
    expect(second.service_instance_id).to.equal(store);
    m.say(agent, {
      type: 'graceful_shutdown_response',
      message_id: second.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    expect(m.last.find(({ kind }) => kind === 'reply')).to.deep.include({ request: 5, status: 200 });
  });

  it('the testbed stops within its patience: what is left after 3 s is killed', () => {
    const { m, gate } = smallCluster();
    m.command(5, { command: 'shutdown' });
    const killed = m.sent('hard_shutdown_request', m.pass(3000)).map(({ service_instance_id }) => service_instance_id);
    expect(killed).to.include(gate);
  });
});

describe('Manager: failure', () => {
  it('R30 an instance that ends is replaced at once', () => {
    const { m, agent, store } = smallCluster();
    m.say(agent, termination('store', store, 'signal SIGKILL'));
    expect(m.state.ended.get(store)?.reason).to.equal('ended: signal SIGKILL');
    expect(m.one('execution_request').service_name).to.equal('store');
  });

  it('R45 three health requests unanswered: hung, killed at once, its peers told meanwhile', () => {
    const { m, store } = smallCluster();
    m.silent.add(store);
    const until = m.pass(3100);
    expect(m.one('hard_shutdown_request', until).service_instance_id).to.equal(store);
    expect(m.events(until).join()).to.match(/hung/);
  });

  it('R45 any answer means alive, a late one too: misses are counted anew', () => {
    const { m, agent, store } = smallCluster();
    m.silent.add(store);
    const asked = (effects: ReturnType<typeof m.pass>): number[] =>
      m
        .sent('service_instance_health_request', effects)
        .flatMap(({ service_instance_id, message_id }) => (service_instance_id === store ? [message_id] : []));
    const [first] = asked(m.pass(2100));
    expect(m.state.instances.get(store)?.misses).to.equal(2);
    m.say(agent, {
      type: 'service_instance_health_response',
      message_id: first as number,
      sub_type: 'agent_to_Manager',
      service_instance_id: store,
      status: 200,
    });
    expect(m.state.instances.get(store)?.misses).to.equal(0);
    expect(m.sent('hard_shutdown_request', m.pass(1500)), 'two more misses are two').to.deep.equal([]);
    expect(m.sent('hard_shutdown_request', m.pass(1500)), 'three more are three').to.have.length(1);
  });

  it('R45 R34 a hung instance is asked to be killed once, also when its sessions close meanwhile', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.started(agent, start.message_id);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, m.one('session_response').dest_socket_port as number));
    m.silent.add(start.service_instance_id);
    const hung = m.pass(3600);
    expect(m.sent('hard_shutdown_request', hung)).to.have.length(1);
    const close = m.one('source_service_session_close_request', hung);
    const closed = m.say(agent, {
      type: 'source_service_session_close_response',
      message_id: close.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    expect(m.state.sessions.size).to.equal(0);
    expect(m.sent('hard_shutdown_request', closed)).to.deep.equal([]);
  });

  it('R48 the end of an agent’s old connection, told after it has registered again, changes nothing', () => {
    const { m, agent } = smallCluster();
    const again = m.open(HERE);
    m.register(again, HERE, ALL, { x_node: 'n1' });
    m.closeConnection(agent);
    expect(m.state.agents.get(HERE)).to.include({ connection: again, status: 'registered' });
  });

  it('R45 404 from its agent: the instance is not there, and is replaced', () => {
    const { m, agent, store } = smallCluster();
    m.silent.add(store);
    const probe = m
      .sent('service_instance_health_request', m.pass(600))
      .find(({ service_instance_id }) => service_instance_id === store);
    m.say(agent, {
      type: 'service_instance_health_response',
      message_id: probe?.message_id ?? 0,
      sub_type: 'agent_to_Manager',
      service_instance_id: store,
      status: 404,
    });
    expect(m.state.ended.get(store)?.reason).to.match(/does not know/);
  });

  it('agent states: suspect after 1.5 s of silence, lost after 5 s, its instances replaced elsewhere', () => {
    const { m, agent, store } = smallCluster();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ALL, { x_node: 'n2' });
    m.closeConnection(agent);
    const suspect = m.events(m.pass(2000));
    expect(suspect.join()).to.match(/127.0.0.11 registered → suspect/);
    expect(m.state.instances.get(store)?.status).to.equal('unknown');
    const lost = m.pass(3500);
    expect(m.events(lost).join()).to.match(/suspect → lost/);
    expect(m.sent('execution_request', lost).map(({ on, service_name }) => [on, service_name])).to.deep.include([
      other,
      'store',
    ]);
  });

  it('R50 callers of a lost node are told at once to close, and not to wait (but for --strict-1.1); its own sessions stay', () => {
    for (const strict of [false, true]) {
      const { m, agent, gate, store } = smallCluster({ strict });
      const other = m.open('127.0.0.12');
      m.register(other, '127.0.0.12', ['front'], strict ? undefined : { x_node: 'n2' });
      m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
      const execution = m.one('execution_request');
      expect(execution.on).to.equal(other);
      m.started(other, execution.message_id);
      m.say(agent, sessionAck(1000, ['gate', gate], 20000, m.one('session_response').dest_socket_port as number));
      m.say(other, {
        ...sessionRequest(1000, ['front', execution.service_instance_id], 'store-plug', 'store-socket', 'store'),
        source_service_instance_network_address: '127.0.0.12',
      } as Message);
      const { dest_socket_port } = m.one('session_response');
      m.say(other, sessionAck(1000, ['front', execution.service_instance_id], 20001, dest_socket_port as number));
      expect(m.state.sessions.size).to.equal(2);
      m.closeConnection(other);
      const effects = m.pass(6000);
      const x = strict ? undefined : { x_other_end: 'lost' };
      expect(m.one('source_service_session_close_request', effects)).to.deep.include({
        on: agent,
        source_service_instance_id: gate,
        source_plug_port: 20000,
      });
      expect(m.sent('dest_service_session_close_request', effects)).to.deep.equal([]);
      expect([...m.state.sessions.values()].map(({ sourcePort, status }) => [sourcePort, status])).to.deep.equal([
        [20000, 'closing'],
        [20001, 'on'],
      ]);
      expect(m.state.instances.get(store)?.incoming.size).to.equal(1);
      expect(m.one('source_service_session_close_request', effects).x).to.deep.equal(x);
    }
  });

  it('R48 what still comes on the connection that an agent had before is of its past, and no offence', () => {
    const { m, agent, store } = smallCluster();
    m.register(m.open(HERE), HERE, ALL, { x_node: 'n1', x_running_instances: '1, 2' });
    m.say(agent, termination('store', store));
    expect(m.last).to.deep.equal([]);
    expect(m.state.connections.get(agent)?.offences).to.equal(0);
    expect(m.state.instances.get(store)?.status).to.equal('on');
  });

  it('R12 an agent that lost its state file is not asked to start an id that it may have started', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const pending = m.one('execution_request').service_instance_id;
    m.closeConnection(agent);
    m.register(m.open(HERE), HERE, ALL, { x_node: 'another' });
    expect(m.state.ended.get(pending)?.reason).to.match(/does not know whether/);
    expect(m.sent('execution_request').map((request) => request.service_instance_id)).not.to.include(pending);
  });

  it('R47 R49 an agent comes back: listed instances are on again, missing ones replaced, unknown ones killed', () => {
    const { m, agent, gate, store } = smallCluster();
    m.closeConnection(agent);
    m.pass(2000);
    const again = m.open(HERE);
    m.register(again, HERE, ALL, { x_node: 'n1', x_running_instances: `${gate}, 555` });
    expect(m.state.instances.get(gate)?.status).to.equal('on');
    expect(m.state.ended.get(store)?.reason).to.match(/without it/);
    expect(m.one('execution_request').service_name).to.equal('store');
    expect(m.one('hard_shutdown_request').service_instance_id).to.equal(555);
  });

  it('R50 a store comes back after it was replaced: it is drained even where its successor is on its way out', () => {
    const { m, agent, gate, store } = smallCluster();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ALL, { x_node: 'n2' });
    m.closeConnection(agent);
    const lost = m.pass(5500);
    const next = m.sent('execution_request', lost).find(({ service_name }) => service_name === 'store');
    m.started(other, next?.message_id ?? 0);
    m.command(1, { command: 'stop', instance: String(next?.service_instance_id), hard: true });
    expect(m.state.instances.get(next?.service_instance_id ?? 0)?.status).to.equal('killing');
    const back = m.open(HERE);
    m.register(back, HERE, ALL, { x_node: 'n1', x_running_instances: `${gate}, ${store}` });
    expect(m.state.instances.get(store)?.status, 'its epoch is over').to.be.oneOf(['draining', 'stopping']);
  });

  it('R47 no x_running_instances means unknown, not none', () => {
    const { m, agent, gate, store } = smallCluster();
    m.closeConnection(agent);
    m.register(m.open(HERE), HERE, ALL, { x_node: 'n1' });
    expect(m.state.instances.get(gate)?.status).to.equal('on');
    expect(m.state.instances.get(store)?.status).to.equal('on');
  });

  it('R11 R49 the Manager restarts: state is back, ids go on, a pending execution is sent again', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const pending = m.one('execution_request');
    m.restart();
    expect(m.state.epoch).to.equal(2);
    const again = m.open(HERE);
    m.register(again, HERE, ALL, { x_node: 'n1', x_running_instances: '1, 2' });
    const resent = m.one('execution_request');
    expect(resent.service_instance_id).to.equal(pending.service_instance_id);
    expect(resent.message_id).to.be.greaterThan(pending.message_id);
    expect(m.one('initiation_response').x?.x_epoch).to.equal('2');
    m.started(again, resent.message_id);
    expect(m.one('session_response')).to.deep.include({ message_id: 1000, status: 200 });
  });

  it('R49 after a restart sessions are as they were, and agents that stay away are lost after the grace', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    m.started(agent, m.one('execution_request').message_id);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, m.one('session_response').dest_socket_port as number));
    m.restart();
    expect(m.state.sessions.size).to.equal(1);
    expect(m.events(m.pass(4000)).join()).to.match(/unknown → lost/);
  });
});
