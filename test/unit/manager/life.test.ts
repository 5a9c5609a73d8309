/** The Manager's dialogues of registration and execution, ruling by ruling. */
import { expect } from 'chai';
import { sessionRequest, smallCluster, SMALL, termination, TestManager } from './harness.ts';

const HERE = '127.0.0.11';
const ALL = ['gate', 'front', 'side', 'store'];

describe('Manager: registration', () => {
  it('starts the fewest replicas when the first agent registers', () => {
    const m = new TestManager();
    m.register(m.open(HERE), HERE, ALL);
    expect(m.sent('initiation_response').map(({ status, x }) => [status, x?.x_epoch])).to.deep.equal([[200, '1']]);
    expect(
      m.sent('execution_request').map(({ service_name, service_instance_id }) => [service_name, service_instance_id]),
    ).to.deep.equal([
      ['gate', 1],
      ['store', 2],
    ]);
  });

  it('R17 claimed and observed address must agree, else 403', () => {
    const m = new TestManager();
    m.register(m.open(HERE), '127.0.0.12', ALL);
    expect(m.one('initiation_response').status).to.equal(403);
    expect(m.state.agents.size).to.equal(0);
  });

  it('R15 an IPv6 agent is known by the canonical form of its address', () => {
    const m = new TestManager();
    m.say(
      m.open('fd55::b'),
      'type: initiation_request ~ message_id: 1 ~ agent_network_address: FD55:0:0:0:0:0:0:B ~ service_repository: ()',
    );
    expect(m.one('initiation_response').status).to.equal(200);
    expect([...m.state.agents.keys()]).to.deep.equal(['fd55::b']);
  });

  it('R48 a second agent at a held address: the holder is asked, and when it answers the second gets 409', () => {
    const { m, agent } = smallCluster();
    const second = m.open(HERE);
    m.register(second, HERE, ALL, { x_node: 'n2' });
    const probe = m.one('agent_health_control_request');
    expect(probe.on).to.equal(agent);
    m.say(agent, {
      type: 'agent_health_control_response',
      message_id: probe.message_id,
      sub_type: 'agent_to_Manager',
      agent_network_address: HERE,
      status: 200,
    });
    expect(m.one('initiation_response')).to.deep.include({ on: second, status: 409 });
    expect(m.state.agents.get(HERE)?.connection).to.equal(agent);
  });

  it('R48 without an answer in 1 s the new one replaces it; with the same x_node at once', () => {
    const { m, agent } = smallCluster();
    const second = m.open(HERE);
    m.register(second, HERE, ALL, { x_node: 'n2' });
    m.agentsAnswer = false;
    const after = m.pass(1000);
    expect(m.one('initiation_response', after)).to.deep.include({ on: second, status: 200 });
    expect(after.some((effect) => effect.kind === 'close' && effect.connection === agent)).to.equal(true);
    const third = m.open(HERE);
    m.register(third, HERE, ALL, { x_node: 'n2' });
    expect(m.one('initiation_response')).to.deep.include({ on: third, status: 200 });
  });

  it('R16 with shared addresses two x_node at one address are two nodes, with one gateway', () => {
    const m = new TestManager(
      SMALL.replace('public: {users: 8080}', 'public: {users: 8080}, replicas: {min: 2, max: 2}'),
      { sharedAddress: true },
    );
    m.register(m.open('127.0.0.1'), '127.0.0.1', ALL, { x_node: 'a' });
    m.register(m.open('127.0.0.1'), '127.0.0.1', ALL, { x_node: 'b' });
    expect(m.state.agents.size).to.equal(2);
    const gates = [...m.state.instances.values()].filter(({ service }) => service === 'gate');
    expect(gates).to.have.length(1);
  });

  it('R09 R51 --strict-1.1 emits no x_ line', () => {
    const m = new TestManager(SMALL, { strict: true });
    m.register(m.open(HERE), HERE, ALL);
    expect(m.last.some((effect) => effect.kind === 'send' && effect.line.includes('x_'))).to.equal(false);
  });

  it('anything before the registration: 409 for a session_request, at the third offence the connection is closed', () => {
    const m = new TestManager();
    const stranger = m.open(HERE);
    m.say(stranger, sessionRequest(1000, ['gate', 1], 'front-plug', 'front-socket', 'front'));
    expect(m.one('session_response').status).to.equal(409);
    m.say(stranger, 'GET / HTTP/1.1');
    m.say(stranger, 'type: execution_response ~ message_id: 30000 ~ status: 200');
    expect(m.last.filter(({ kind }) => kind === 'close')).to.deep.equal([]);
    m.say(stranger, 'nonsense');
    expect(m.last.filter(({ kind }) => kind === 'close')).to.have.length(1);
  });

  it('R07 a message over 64 KiB closes the connection', () => {
    const m = new TestManager();
    m.input({ kind: 'oversized_received', connection: m.open(HERE) });
    expect(m.last).to.deep.include({ kind: 'close', connection: 1, why: 'a message longer than 64 KiB (R07)' });
  });
});

describe('Manager: execution', () => {
  it('R12 R21 gives ids and ports that are not given twice', () => {
    const { m, agent, gate, store } = smallCluster();
    m.say(agent, termination('store', store, 'code 3'));
    const again = m.one('execution_request');
    expect(again.service_instance_id).to.be.greaterThan(Math.max(gate, store));
    expect(again.socket_configuration).to.deep.equal([{ socket: 'store-socket', port: 54001 }]);
  });

  it('R21 a port is free again 5 s after the death', () => {
    const { m, agent, store } = smallCluster({ portFirst: 54000, portLast: 54001 });
    m.say(agent, termination('store', store, 'code 3'));
    const second = m.one('execution_request');
    m.started(agent, second.message_id);
    m.say(agent, termination('store', second.service_instance_id, 'code 3'));
    expect(m.sent('execution_request', m.pass(300))).to.deep.equal([]);
    m.pass(5000);
    m.register(agent, HERE, ALL, { x_node: 'n1', x_running_instances: '1' });
    expect(m.one('execution_request').socket_configuration[0]?.port).to.equal(54000);
  });

  it('R21 409: other ports, five times', () => {
    const m = new TestManager();
    const agent = m.open(HERE);
    m.register(agent, HERE, ['store']);
    let request = m.one('execution_request');
    const ports: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      ports.push(request.socket_configuration[0]?.port ?? 0);
      m.started(agent, request.message_id, 409);
      request = m.one('execution_request');
      expect(request.service_instance_id).to.equal(1);
    }
    expect(new Set(ports).size).to.equal(5);
    m.started(agent, request.message_id, 409);
    expect(m.state.ended.get(1)?.reason).to.match(/409/);
  });

  it('R27 404: the service is not in that repository after all, another node is tried', () => {
    const m = new TestManager();
    const first = m.open(HERE);
    m.register(first, HERE, ['store']);
    const request = m.one('execution_request');
    const second = m.open('127.0.0.12');
    m.register(second, '127.0.0.12', ['store']);
    m.started(first, request.message_id, 404);
    expect(m.one('execution_request').on).to.equal(second);
  });

  it('R23 the public socket has its fixed port, one gateway a node', () => {
    const m = new TestManager(
      SMALL.replace('public: {users: 8080}', 'public: {users: 8080}, replicas: {min: 2, max: 3}'),
    );
    m.register(m.open(HERE), HERE, ['gate']);
    expect(m.one('execution_request').socket_configuration).to.deep.equal([{ socket: 'users', port: 8080 }]);
    m.register(m.open('127.0.0.12'), '127.0.0.12', ['gate']);
    expect(m.one('execution_request').agent_network_address).to.equal('127.0.0.12');
  });

  it('R46 a service that ends early: at once, then 0.2, 0.4, 0.8 s; five restarts, then crash-looping', () => {
    const m = new TestManager();
    const agent = m.open(HERE);
    m.register(agent, HERE, ['store']);
    let request = m.one('execution_request');
    const waits: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const at = m.now;
      let effects = m.started(agent, request.message_id, 500);
      while (m.sent('execution_request', effects).length === 0) effects = m.pass(10);
      waits.push(m.now - at);
      request = m.one('execution_request', effects);
    }
    expect(waits.slice(0, 5)).to.deep.equal([0, 200, 400, 800, 1600]);
    expect(waits[5]).to.be.greaterThan(20_000);
    expect(m.state.services.get('store')?.crashLooping).to.equal(true);
  });

  it('R46 an instance that ran well is no early end, also when its agent or the Manager was away meanwhile', () => {
    const { m, agent, store } = smallCluster();
    m.pass(20_000);
    m.restart();
    const again = m.open('127.0.0.11');
    m.register(again, '127.0.0.11', ['gate', 'front', 'side', 'store'], { x_node: 'n1', x_running_instances: '1, 2' });
    expect(agent).to.not.equal(again);
    m.say(again, termination('store', store, 'signal SIGKILL'));
    expect(m.state.services.get('store')?.failures, 'forgotten, but for this one').to.have.length(1);
    const replacement = m.one('execution_request');
    m.started(again, replacement.message_id);
    m.pass(20_000);
    m.closeConnection(again);
    m.pass(2000);
    const back = m.open('127.0.0.11');
    m.register(back, '127.0.0.11', ['gate', 'front', 'side', 'store'], { x_node: 'n1', x_running_instances: '1' });
    expect(m.state.ended.get(replacement.service_instance_id)?.reason).to.match(/without it/);
    expect(m.state.services.get('store')?.failures).to.have.length(1);
    expect(m.state.services.get('store')?.holdUntil).to.be.at.most(m.now);
  });

  it('a crash-looping service: requests get 503 at once, other services are unharmed', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    let effects = m.last;
    for (let n = 0; n < 6; n += 1) {
      while (m.sent('execution_request', effects).length === 0) effects = m.pass(100);
      effects = m.started(agent, m.one('execution_request', effects).message_id, 500);
    }
    const { holdUntil } = m.state.services.get('front')!;
    const told = m.one('session_response', effects);
    expect(told).to.deep.include({ status: 503, x: { x_retry_after: String(holdUntil - m.now) } });
    m.pass(1234);
    m.say(agent, sessionRequest(1001, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const left = m.one('session_response');
    expect(left).to.deep.include({ status: 503, x: { x_retry_after: String(holdUntil - m.now) } });
    expect(Number(told.x?.x_retry_after) - Number(left.x?.x_retry_after)).to.equal(1234);
    m.say(agent, sessionRequest(1002, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    m.started(agent, m.one('execution_request').message_id);
    expect(m.one('session_response').status).to.equal(200);
  });

  it('a crash-looping service: a request in the middle of a try waits for what comes of it', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    let effects = m.last;
    for (let n = 0; n < 6; n += 1) {
      while (m.sent('execution_request', effects).length === 0) effects = m.pass(100);
      effects = m.started(agent, m.one('execution_request', effects).message_id, 500);
    }
    while (m.sent('execution_request', effects).length === 0) effects = m.pass(100);
    const request = m.one('execution_request', effects);
    m.say(agent, sessionRequest(1001, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.sent('session_response')).to.deep.equal([]);
    m.started(agent, request.message_id);
    expect(m.one('session_response')).to.include({ status: 200, message_id: 1001 });
  });

  it('a 503 for another reason than a crash loop names no time (R37)', () => {
    const m = new TestManager();
    const agent = m.open(HERE);
    const effects = m.register(agent, HERE, ['gate']);
    m.started(agent, m.one('execution_request', effects).message_id);
    m.say(agent, sessionRequest(1000, ['gate', 1], 'front-plug', 'front-socket', 'front'));
    expect(m.one('session_response').status).to.equal(503);
    expect(m.one('session_response').x).to.equal(undefined);
  });

  it('R11 R29 a response on another connection than its request left on is dropped', () => {
    const m = new TestManager();
    const agent = m.open(HERE);
    m.register(agent, HERE, ['store']);
    const { message_id } = m.one('execution_request');
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', []);
    m.started(other, message_id);
    expect(m.state.instances.get(1)?.status).to.equal('starting');
  });

  it('starts side by side what the started service will need', () => {
    const { m, agent, gate, store } = smallCluster();
    m.state.services.get('store')!.desired = 0;
    m.command(1, { command: 'stop', instance: String(store), hard: true });
    m.say(agent, {
      type: 'hard_shutdown_response',
      message_id: m.one('hard_shutdown_request').message_id,
      sub_type: 'agent_to_Manager',
      service_instance_id: store,
      status: 200,
    });
    m.state.services.get('store')!.desired = 0;
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    expect(m.sent('execution_request').map(({ service_name }) => service_name)).to.include('front');
  });
});
