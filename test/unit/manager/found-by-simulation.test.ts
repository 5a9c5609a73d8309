// What the simulator found in the Manager, each as a few lines: test/unit/sim/seeds.test.ts says with which seed.
import { expect } from 'chai';
import { graphOf, sessionAck, sessionRequest, SMALL, smallCluster, termination, type TestManager } from './harness.ts';

const HERE = '127.0.0.11';
const ALL = ['gate', 'front', 'side', 'store'];

describe('Manager: an operator stops the same instance twice', () => {
  it('asking again changes nothing: the replica that took its place stays wanted', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    const front = start.service_instance_id;
    m.started(agent, start.message_id);
    m.command(1, { command: 'stop', instance: String(front), hard: false });
    m.say(agent, sessionRequest(1001, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.one('execution_request').service_name).to.equal('front');
    m.command(2, { command: 'stop', instance: String(front), hard: false });
    expect(m.state.services.get('front')?.desired).to.equal(1);
  });
});

describe('Manager: an operator stops one that takes another’s place', () => {
  it('no fewer replicas are wanted: there was one too many', () => {
    const { m, agent, gate } = smallCluster();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ALL, { x_node: 'n2' });
    m.command(1, { command: 'migrate', instance: String(gate), to: null, dry_run: false });
    const replacement = m.one('execution_request');
    expect(replacement.on).to.equal(other);
    m.command(2, { command: 'stop', instance: String(replacement.service_instance_id), hard: false });
    expect(m.state.services.get('gate')?.desired).to.equal(1);
    m.say(agent, sessionRequest(1000, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    const side = m.one('execution_request');
    m.started(side.on, side.message_id);
    const before = m.state.services.get('side')?.desired ?? 0;
    m.command(3, { command: 'migrate', instance: String(side.service_instance_id), to: null, dry_run: false });
    m.command(4, { command: 'stop', instance: String(m.one('execution_request').service_instance_id), hard: false });
    expect([before, m.state.services.get('side')?.desired]).to.deep.equal([1, 1]);
  });
});

describe('Manager: a drain and its grants', () => {
  /** Gate was granted front, which drains before the ack. */
  function granted(): { m: TestManager; agent: number; front: number; gate: number } {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    const front = start.service_instance_id;
    m.started(agent, start.message_id);
    m.command(1, { command: 'stop', instance: String(front), hard: false });
    expect(m.state.instances.get(front)?.status).to.equal('draining');
    expect(m.sent('graceful_shutdown_request')).to.deep.equal([]);
    return { m, agent, front, gate };
  }

  it('R32 R33 goes on when the ack says that the grant came to nothing', () => {
    const { m, agent, front, gate } = granted();
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, 54000, 504));
    expect(m.one('graceful_shutdown_request').service_instance_id).to.equal(front);
  });

  it('R32 R33 goes on when the ack does not come within 5 s', () => {
    const { m, front } = granted();
    const effects = m.pass(5_000);
    expect(m.one('graceful_shutdown_request', effects).service_instance_id).to.equal(front);
  });

  it('R32 R33 goes on when whoever was granted asks again, and is granted another', () => {
    const { m, agent, front, gate } = granted();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.one('graceful_shutdown_request').service_instance_id).to.equal(front);
  });

  it('R32 R33 goes on when whoever was granted is gone', () => {
    const { m, agent, front, gate } = granted();
    m.say(agent, termination('gate', gate, 'signal SIGKILL'));
    expect(m.one('graceful_shutdown_request').service_instance_id).to.equal(front);
  });
});

describe('Manager: a close that neither end answers', () => {
  /** Gate has a session to front; a second front came, and the session is asked to close so that gate spreads. */
  function asked(): { m: TestManager; agent: number; front: number; key: string } {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    const front = start.service_instance_id;
    m.started(agent, start.message_id);
    const port = m.one('session_response').dest_socket_port ?? 0;
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, port));
    m.command(1, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    m.started(agent, m.one('execution_request').message_id);
    expect(m.sent('source_service_session_close_request')).to.have.length(1);
    return { m, agent, front, key: `${HERE}:20000-${HERE}:${port}` };
  }

  it('R43 two ends that stay keep their connection: the session is not forgotten, they are asked again', () => {
    const { m, key } = asked();
    expect(m.sent('dest_service_session_close_request', m.pass(5_000))).to.have.length(1);
    expect(m.sent('source_service_session_close_request', m.pass(5_000))).to.have.length(1);
    expect(m.state.sessions.get(key)?.status).to.equal('closing');
  });

  it('R43 an agent that is away longer than that is asked when it is back', () => {
    const { m, agent, key } = asked();
    m.closeConnection(agent);
    m.pass(30_000);
    expect(m.state.sessions.get(key)?.status).to.equal('closing');
    const again = m.open(HERE);
    const back = m.register(again, HERE, ALL, { x_node: 'n1' });
    const { message_id } = m.one('source_service_session_close_request', back);
    const sub_type = 'agent_to_Manager';
    m.say(again, { type: 'source_service_session_close_response', message_id, sub_type, status: 404 });
    expect(m.state.sessions.has(key)).to.equal(false);
  });

  it('R32 where an end is about to go, its connection goes with it: nobody waits longer than for both', () => {
    const { m, agent, front, key } = asked();
    m.command(2, { command: 'stop', instance: String(front), hard: false });
    m.closeConnection(agent);
    m.pass(10_500);
    expect(m.state.sessions.has(key)).to.equal(false);
  });
});

describe('Manager: reports and the disk', () => {
  it('R43 a report is on the disk with the next beat, and an idle Manager flushes nothing', () => {
    const { m, agent, gate } = smallCluster();
    m.pass(1_000);
    m.flushed = 0;
    m.pass(5_000);
    expect(m.flushed).to.equal(0);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, 54000));
    expect(m.flushed).to.equal(0);
    m.pass(500);
    expect(m.flushed).to.equal(1);
  });
});

describe('Manager: a node that is to be emptied is back in contact', () => {
  it('R32 its store goes at once: the request that proved its agent alive is not given it', () => {
    const { m, agent, gate, store } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const { message_id, service_instance_id: front } = m.one('execution_request');
    m.started(agent, message_id);
    m.register(m.open('127.0.0.12'), '127.0.0.12', ALL, { x_node: 'n2' });
    m.mute.add(agent);
    m.pass(2_000);
    m.command(1, { command: 'drain', node: '1', dry_run: false });
    expect(m.state.instances.get(store)?.status).to.equal('unknown');
    m.say(agent, sessionRequest(1000, ['front', front], 'store-plug', 'store-socket', 'store'));
    expect(m.state.instances.get(store)?.status).to.equal('stopping');
    expect(m.sent('session_response')).to.deep.equal([]);
  });

  it('R32 R33 a store that comes on there only then goes at once too: who waits for it is given the next one', () => {
    const { m, agent, gate, store } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const { message_id, service_instance_id: front } = m.one('execution_request');
    m.started(agent, message_id);
    m.say(agent, termination('store', store, 'signal SIGKILL'));
    const again = m.one('execution_request');
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ALL, { x_node: 'n2' });
    m.say(agent, sessionRequest(1000, ['front', front], 'store-plug', 'store-socket', 'store'));
    m.command(1, { command: 'drain', node: '1', dry_run: false });
    m.started(agent, again.message_id);
    expect(m.sent('session_response')).to.deep.equal([]);
    const graceful = m.one('graceful_shutdown_request');
    const { message_id: next, on } = m.one(
      'execution_request',
      m.say(agent, {
        type: 'graceful_shutdown_response',
        message_id: graceful.message_id,
        sub_type: 'agent_to_Manager',
        status: 200,
      }),
    );
    expect(on).to.equal(other);
    m.started(other, next);
    expect(m.one('session_response').dest_service_instance_network_address).to.equal('127.0.0.12');
  });
});

describe('Manager: a node is to be emptied on which one instance takes another’s place', () => {
  it('no fewer replicas are wanted: the one that came is unused, and there is one too many', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.started(agent, start.message_id);
    m.say(agent, sessionAck(1000, ['gate', gate], 20000, 54000));
    const graph = graphOf(`${SMALL}  - [front, [side-plug, side-socket], side]\n`);
    m.command(1, { command: 'apply', graph, file: 'test.yaml', dry_run: false });
    const replacement = m.one('execution_request');
    expect([replacement.service_name, replacement.on]).to.deep.equal(['front', agent]);
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ALL, { x_node: 'n2' });
    m.command(2, { command: 'drain', node: '1', dry_run: false });
    m.started(agent, replacement.message_id);
    expect(m.state.instances.get(replacement.service_instance_id)?.status).to.not.equal('on');
    expect(m.state.services.get('front')?.desired).to.equal(1);
  });
});
