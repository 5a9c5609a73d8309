/** Scaling, rebalancing, migration, draining and idle stop, on the Manager's core. */
import { expect } from 'chai';
import { SMALL, sessionRequest } from './harness.ts';
import { Obedient } from './obedient.ts';

function withFront(sessions: number): Obedient {
  const cluster = new Obedient();
  for (let n = 0; n < sessions; n += 1) cluster.open('gate', 'front-plug', 'front-socket', 'front');
  return cluster;
}

describe('Manager: scale', () => {
  it('scales out over the nodes and answers when all replicas are on', () => {
    const cluster = withFront(1);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    expect(cluster.reply(1)).to.deep.include({ status: 200, body: { service_name: 'front', desired: 3, running: 3 } });
    expect(new Set(cluster.of('front').map(({ address }) => address)).size).to.equal(3);
  });

  it('rebalances: sessions are closed at their source and open again evenly, within 2 s', () => {
    const cluster = withFront(6);
    expect(cluster.spread('front')).to.deep.equal([6]);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    cluster.pass(600);
    const closed = 6 - cluster.spread('front').reduce((sum, n) => sum + n, 0);
    for (let n = 0; n < closed; n += 1) cluster.open('gate', 'front-plug', 'front-socket', 'front');
    cluster.pass(1200);
    expect(cluster.spread('front')).to.deep.equal([2, 2, 2]);
  });

  it('a replica that comes on gets its part at once, not on the next beat', () => {
    const cluster = withFront(6);
    cluster.reopens = true;
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    expect(cluster.spread('front')).to.deep.equal([2, 2, 2]);
  });

  it('a replica that comes in place of another gets what that one drains; no other session is closed for it', () => {
    const cluster = withFront(0);
    cluster.reopens = true;
    cluster.command(1, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    for (let n = 0; n < 6; n += 1) cluster.open('gate', 'front-plug', 'front-socket', 'front');
    cluster.log.length = 0;
    const [old] = cluster.of('front');
    cluster.command(2, { command: 'migrate', instance: String(old?.id), to: null, dry_run: false });
    const closing = cluster.log.filter((line) => line.startsWith('#') && line.includes(' closing: '));
    expect(closing).to.have.length(3);
    expect(closing.filter((line) => !line.includes('migrates'))).to.deep.equal([]);
    expect(cluster.spread('front')).to.deep.equal([3, 3]);
  });

  it('tells a plug of more replicas by x_replicas, and closes one session so that it asks', () => {
    const cluster = withFront(1);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    cluster.pass(600);
    expect(cluster.spread('front')).to.deep.equal([0, 0]);
    const gate = cluster.of('gate')[0];
    cluster.m.say(
      cluster.m.state.agents.get(gate?.agent ?? '')?.connection ?? 0,
      sessionRequest(5000, ['gate', gate?.id ?? 0], 'front-plug', 'front-socket', 'front'),
    );
    expect(cluster.m.one('session_response').x).to.deep.equal({ x_replicas: '2' });
    cluster.obey(cluster.m.last);
    cluster.pass(2000);
    expect(cluster.spread('front')).to.deep.equal([0, 1]);
  });

  it('a plug that was told of two replicas is told anew after one went and another came', () => {
    const cluster = withFront(0);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    const told = (): number[] =>
      [...cluster.m.state.sessions.values()].flatMap((s) => (s.socket === 'front-socket' ? s.told : []));
    expect(told()).to.deep.equal([2]);
    cluster.command(2, { command: 'scale', service: 'front', replicas: 1, dry_run: false });
    expect(told()).to.deep.equal([1]);
    cluster.log.length = 0;
    cluster.command(3, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    expect(cluster.log.filter((line) => line.includes(' closing: '))).to.have.length(1);
  });

  it('several sessions of one plug reach several replicas', () => {
    const cluster = withFront(0);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    for (let n = 0; n < 3; n += 1) cluster.open('gate', 'front-plug', 'front-socket', 'front');
    expect(cluster.spread('front')).to.deep.equal([1, 1, 1]);
  });

  it('scales in by draining the replica with the fewest sessions', () => {
    const cluster = withFront(0);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    for (let n = 0; n < 2; n += 1) cluster.open('gate', 'front-plug', 'front-socket', 'front');
    const idle = cluster.of('front').find(({ incoming }) => incoming.size === 0)?.id ?? 0;
    cluster.command(2, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    expect(cluster.reply(2)?.body).to.deep.equal({ service_name: 'front', desired: 2, running: 2 });
    expect(cluster.m.state.ended.get(idle)?.status).to.equal('off');
  });

  it('a BaaS is refused with the reason, so is a number outside min and max, so is an unknown service', () => {
    const cluster = withFront(0);
    cluster.command(1, { command: 'scale', service: 'store', replicas: 2, dry_run: false });
    expect(cluster.reply(1)).to.have.property('status', 409);
    expect(cluster.reply(1)?.body['message']).to.match(/one instance owns/);
    cluster.command(2, { command: 'scale', service: 'front', replicas: 4, dry_run: false });
    expect(cluster.reply(2)?.body['message']).to.match(/0 to 3 replicas/);
    cluster.command(3, { command: 'scale', service: 'nowhere', replicas: 1, dry_run: false });
    expect(cluster.reply(3)?.status).to.equal(404);
  });

  it('gateways scale one a node', () => {
    const cluster = withFront(0);
    cluster.command(1, { command: 'scale', service: 'gate', replicas: 3, dry_run: false });
    expect(cluster.reply(1)?.status).to.equal(200);
    expect(new Set(cluster.of('gate').map(({ address }) => address)).size).to.equal(3);
    cluster.command(2, { command: 'scale', service: 'gate', replicas: 4, dry_run: false });
    expect(cluster.reply(2)?.status).to.equal(409);
  });

  it('--dry-run changes nothing', () => {
    const cluster = withFront(1);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: true });
    expect(cluster.reply(1)?.body['steps']).to.have.length(2);
    expect(cluster.of('front')).to.have.length(1);
  });
});

describe('Manager: migrate', () => {
  it('a service: the new one first, then the sessions, then the old one goes', () => {
    const cluster = withFront(2);
    const old = cluster.of('front')[0];
    cluster.command(1, { command: 'migrate', instance: `front/${old?.id}`, to: '3', dry_run: false });
    expect(cluster.reply(1)?.body).to.deep.include({ from: old?.id, service_instance_network_address: '127.0.0.13' });
    expect(cluster.of('front').map(({ address }) => address)).to.deep.equal(['127.0.0.13']);
  });

  it('a BaaS: the old owner ends before the next starts on the chosen node; requests wait meanwhile', () => {
    const cluster = withFront(0);
    const { m } = cluster;
    const old = cluster.of('store')[0];
    const front = m.say(
      1,
      sessionRequest(4000, ['gate', cluster.of('gate')[0]?.id ?? 0], 'front-plug', 'front-socket', 'front'),
    );
    cluster.obey(front);
    m.command(1, { command: 'migrate', instance: `store/${old?.id}`, to: '2', dry_run: false });
    expect(m.sent('execution_request')).to.deep.equal([]);
    const graceful = m.one('graceful_shutdown_request');
    const source = cluster.of('front')[0];
    const home = m.state.agents.get(source?.agent ?? '')?.connection ?? 0;
    m.say(home, sessionRequest(4001, ['front', source?.id ?? 0], 'store-plug', 'store-socket', 'store'));
    expect(m.sent('session_response')).to.deep.equal([]);
    m.say(graceful.on, {
      type: 'graceful_shutdown_response',
      message_id: graceful.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    const start = m.one('execution_request');
    expect(start.agent_network_address).to.equal('127.0.0.12');
    m.started(start.on, start.message_id);
    expect(m.one('session_response')).to.deep.include({ message_id: 4001, status: 200 });
    expect(cluster.reply(1)?.body).to.deep.include({
      service_name: 'store',
      service_instance_network_address: '127.0.0.12',
    });
  });

  it('is refused with the reason: unknown instance, unknown node, the same node, no free node for a gateway', () => {
    const cluster = withFront(1);
    const front = cluster.of('front')[0];
    cluster.command(1, { command: 'migrate', instance: '999', to: null, dry_run: false });
    expect(cluster.reply(1)?.status).to.equal(404);
    cluster.command(2, { command: 'migrate', instance: String(front?.id), to: '9', dry_run: false });
    expect(cluster.reply(2)?.status).to.equal(404);
    cluster.command(3, { command: 'migrate', instance: String(front?.id), to: front?.address ?? '', dry_run: false });
    expect(cluster.reply(3)?.body['message']).to.match(/already/);
    cluster.command(4, { command: 'scale', service: 'gate', replicas: 3, dry_run: false });
    cluster.command(5, { command: 'migrate', instance: String(cluster.of('gate')[0]?.id), to: null, dry_run: false });
    expect(cluster.reply(5)?.body['message']).to.match(/every other node has a gateway/);
  });

  it('when the new one does not come up the old one stays, and the operator is told', () => {
    const cluster = withFront(1);
    const old = cluster.of('front')[0];
    cluster.broken.add('front');
    cluster.command(1, { command: 'migrate', instance: String(old?.id), to: null, dry_run: false });
    expect(cluster.reply(1)?.status).to.equal(503);
    expect(cluster.m.state.instances.get(old?.id ?? 0)?.status).to.equal('on');
  });

  it('when the old one dies on the way the new one takes over', () => {
    const cluster = withFront(1);
    const { m } = cluster;
    const old = cluster.of('front')[0];
    m.command(1, { command: 'migrate', instance: String(old?.id), to: null, dry_run: false });
    const start = m.one('execution_request');
    cluster.obey(
      m.say(m.state.agents.get(old?.agent ?? '')?.connection ?? 0, {
        type: 'service_instance_termination_info',
        message_id: 9,
        sub_type: 'agent_to_Manager',
        service_name: 'front',
        service_instance_id: old?.id ?? 0,
        service_instance_network_address: old?.address ?? '',
        x: { x_exit: 'signal SIGKILL' },
      }),
    );
    cluster.obey(m.started(start.on, start.message_id));
    expect(cluster.of('front').map(({ id }) => id)).to.deep.equal([start.service_instance_id]);
    expect(m.state.migrations.size).to.equal(0);
  });
});

describe('Manager: drain a node', () => {
  it('everything goes elsewhere; nothing is started there until it is uncordoned', () => {
    const cluster = withFront(1);
    cluster.command(1, { command: 'drain', node: '1', dry_run: false });
    expect(cluster.reply(1)).to.deep.include({ status: 200 });
    expect([...cluster.m.state.instances.values()].filter(({ address }) => address === '127.0.0.11')).to.deep.equal([]);
    expect(cluster.of('gate')).to.have.length(1);
    expect(cluster.of('store')).to.have.length(1);
    cluster.command(2, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
    expect(cluster.of('front').some(({ address }) => address === '127.0.0.11')).to.equal(false);
    cluster.command(3, { command: 'uncordon', node: '127.0.0.11' });
    expect(cluster.reply(3)?.status).to.equal(200);
  });

  it('is refused when something on it can go nowhere', () => {
    const cluster = withFront(1);
    cluster.command(1, { command: 'drain', node: '2', dry_run: false });
    cluster.command(2, { command: 'drain', node: '3', dry_run: false });
    cluster.command(3, { command: 'drain', node: '1', dry_run: false });
    expect(cluster.reply(3)?.body['message']).to.match(/cannot be emptied: no other node can run/);
  });
});

describe('Manager: scaling by itself', () => {
  const IDLE = SMALL.replace(
    'front: {kind: service, replicas: {min: 0, max: 3}}',
    'front: {kind: service, replicas: {min: 0, max: 3}, idle_after: 5s}',
  );

  /** The plug of gate closes its session to front: nobody needed it for a while. */
  function closeByPlug(cluster: Obedient): void {
    const session = [...cluster.m.state.sessions.values()][0];
    cluster.obey(
      cluster.m.say(cluster.m.state.agents.get(cluster.of('gate')[0]?.agent ?? '')?.connection ?? 0, {
        type: 'source_service_session_close_info',
        message_id: 8,
        sub_type: 'agent_to_Manager',
        source_service_name: 'gate',
        source_service_instance_id: session?.source ?? 0,
        source_service_instance_network_address: session?.sourceAddress ?? '',
        source_plug_name: 'front-plug',
        source_plug_port: session?.sourcePort ?? 1,
        dest_service_name: 'front',
        dest_service_instance_id: session?.dest ?? 0,
        dest_service_instance_network_address: session?.destAddress ?? '',
        dest_socket_name: 'front-socket',
        dest_socket_port: session?.destPort ?? 1,
        dest_socket_new_port: session?.destPort ?? 1,
        status: 111,
      }),
    );
  }

  it('R35 what nobody used for idle_after is shut down, and the next request starts it again', () => {
    const cluster = new Obedient(IDLE);
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    const first = cluster.of('front')[0];
    closeByPlug(cluster);
    cluster.pass(4000);
    expect(cluster.of('front')).to.have.length(1);
    cluster.pass(2000);
    expect(cluster.of('front')).to.have.length(0);
    expect(cluster.m.state.ended.get(first?.id ?? 0)?.reason).to.match(/not used for 5 s/);
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    expect(cluster.of('front')).to.have.length(1);
  });

  it('R35 nothing goes for idleness while one of the service moves: the one that comes would be left over', () => {
    const cluster = new Obedient(IDLE);
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    closeByPlug(cluster);
    const old = cluster.of('front')[0]?.id ?? 0;
    const started = cluster.m.command(5, { command: 'migrate', instance: String(old), to: null, dry_run: false });
    cluster.pass(8000); // its place is being made all the while
    expect(cluster.m.state.instances.get(old)?.status).to.equal('on');
    cluster.obey(started);
    expect(cluster.of('front').map(({ id, status }) => [id === old, status])).to.deep.equal([[false, 'on']]);
    expect(cluster.m.state.services.get('front')?.desired).to.equal(1);
  });

  it('R35 a request that comes while it drains for idleness keeps it', () => {
    const cluster = new Obedient(IDLE);
    const { m } = cluster;
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    const front = cluster.of('front')[0];
    if (front === undefined) throw new Error('front does not run');
    front.requests = 1;
    m.silent.add(front.id);
    for (let n = 0; n < 12 && front.status === 'on'; n += 1) {
      m.pass(500);
      front.misses = 0;
    }
    expect(front.status).to.equal('draining');
    const gate = cluster.of('gate')[0];
    cluster.m.say(
      m.state.agents.get(gate?.agent ?? '')?.connection ?? 0,
      sessionRequest(7000, ['gate', gate?.id ?? 0], 'front-plug', 'front-socket', 'front'),
    );
    expect(front.status).to.equal('on');
    expect(m.one('session_response')).to.deep.include({ message_id: 7000, dest_service_instance_id: front.id });
  });

  it('one more when all replicas are hot for 3 s, explained; one less when they are cold for 15 s; not below the operator’s number', () => {
    const cluster = withFront(1);
    const { m } = cluster;
    const load = (value: number): void => {
      for (const instance of cluster.of('front')) {
        m.silent.add(instance.id);
        instance.load = value;
        instance.health = 200;
        instance.misses = 0;
        instance.healthAwaited = false;
      }
    };
    const under = (value: number, ms: number): void => {
      for (let t = 0; t < ms; t += 100) {
        load(value);
        cluster.pass(100);
      }
    };
    under(0.9, 2000);
    expect(cluster.of('front')).to.have.length(1);
    under(0.9, 2000);
    expect(cluster.of('front')).to.have.length(2);
    const explained = m.journal.flatMap(({ out }) => m.events(out)).find((text) => text.startsWith('front 1 → 2'));
    expect(explained).to.match(/front 1 → 2: its replica above 0.8 for 3 s/);
    under(0.5, 20000);
    expect(cluster.of('front')).to.have.length(2);
    under(0.05, 16000);
    expect(cluster.of('front')).to.have.length(1);
    cluster.command(1, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    under(0, 20000);
    expect(cluster.of('front')).to.have.length(2);
  });
});
