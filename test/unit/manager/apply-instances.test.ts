/** `ssmmp apply`, on the Manager's core: instances that are replaced, replicas, policies, the Manager's restart. */
import { expect } from 'chai';
import { MOVED, NO_SIDE, MORE, SECOND_SOCKET, limits, running } from './apply-graphs.ts';
import { graphOf, sessionRequest, SMALL, smallCluster } from './harness.ts';

describe('Manager: apply, instances with other plugs and sockets', () => {
  it('replicas are replaced one by one, the new one first, and sessions move', () => {
    const cluster = running(3);
    const before = cluster.of('front').map(({ id }) => id);
    cluster.apply(1, `${SMALL}  - [front, [side-plug, side-socket], side]\n`);
    expect(cluster.reply(1)?.status).to.equal(200);
    const after = cluster.of('front');
    expect(after).to.have.length(3);
    expect(after.map(({ id }) => id)).to.not.include.any.members(before);
    expect(after.every(({ plugs }) => plugs.some(({ plug }) => plug === 'side-plug'))).to.equal(true);
    const order = cluster.log.filter((line) => /^# front\/\d+ (starting → on|on → draining|stopping → off)/.test(line));
    expect(order.map((line) => line.replace(/^# front\/\d+ /, '').replace(/:.*/, ''))).to.deep.equal(
      [1, 2, 3].flatMap(() => ['starting → on', 'on → draining', 'stopping → off']),
    );
  });

  it('R50 a store is replaced on its own node, the old one first, and its callers after it', () => {
    const cluster = running();
    cluster.open('front', 'store-plug', 'store-socket', 'store');
    const [old] = cluster.of('store');
    cluster.apply(1, SECOND_SOCKET);
    expect(cluster.reply(1)?.status).to.equal(200);
    const [store] = cluster.of('store');
    expect(store?.id).to.not.equal(old?.id);
    expect(store?.address).to.equal(old?.address);
    expect(store?.sockets.map(({ socket }) => socket)).to.deep.equal(['store-socket', 'log-socket']);
    const ends = cluster.log.filter((line) => line.startsWith('# ') && line.includes(' is replaced'));
    expect(ends.map((line) => line.replace(/\/\d+/g, ''))).to.deep.equal([
      '# store is replaced, the old one first: + socket log-socket',
      '# front is replaced by front: + plug log-plug to store',
    ]);
    cluster.open('front', 'log-plug', 'log-socket', 'store');
    expect(cluster.spread('store')).to.deep.equal([1]);
  });

  it('a request for a socket that only the next instance has waits for it', () => {
    const cluster = running();
    cluster.slow.add('store');
    cluster.apply(1, SECOND_SOCKET);
    expect(cluster.of('front').map(({ status }) => status)).to.deep.equal(['on']);
    const { m } = cluster;
    const front = cluster.of('front')[0];
    const home = cluster.homeOf(front);
    m.say(home, sessionRequest(7000, ['front', front?.id ?? 0], 'log-plug', 'log-socket', 'store'));
    expect(m.sent('session_response')).to.deep.equal([]);
    cluster.slow.clear();
    cluster.pass(11_000);
    const granted = m.journal
      .flatMap(({ out }) => m.sent('session_response', out))
      .find(({ message_id }) => message_id === 7000);
    expect(granted?.dest_service_instance_id).to.equal(cluster.of('store')[0]?.id);
  });

  it('a gateway moves to a node without one; where every node has one it is replaced in its place', () => {
    const cluster = running();
    const [old] = cluster.of('gate');
    cluster.apply(1, MORE);
    expect(cluster.of('gate').map(({ address }) => address === old?.address)).to.deep.equal([false]);
    cluster.command(2, { command: 'scale', service: 'gate', replicas: 3, dry_run: false });
    cluster.log.length = 0;
    cluster.apply(3, SMALL);
    expect(cluster.reply(3)?.status).to.equal(200);
    expect(new Set(cluster.of('gate').map(({ address }) => address)).size).to.equal(3);
    const on = cluster.log.filter((line) => /^# gate\/\d+ .*(→ on|→ off)/.test(line));
    expect(on.map((line) => line.split(' → ')[1]?.slice(0, 3))).to.deep.equal(['off', 'on', 'off', 'on', 'off', 'on']);
  });

  it('R23 a gateway with another public port comes up beside the old one', () => {
    const cluster = running();
    const [old] = cluster.of('gate');
    cluster.apply(1, SMALL.replace('8080', '8081'));
    expect(cluster.of('gate')).to.have.length(1);
    expect(cluster.of('gate')[0]?.sockets).to.deep.equal([{ socket: 'users', port: 8081 }]);
    expect(cluster.of('gate')[0]?.id).to.not.equal(old?.id);
  });

  it('when the next one does not come up the old ones stay, and the operator is told', () => {
    const cluster = running(2);
    const before = cluster.of('front').map(({ id }) => id);
    cluster.broken.add('front');
    cluster.apply(1, `${SMALL}  - [front, [side-plug, side-socket], side]\n`);
    cluster.pass(30_000);
    expect(cluster.reply(1)).to.deep.include({ status: 503 });
    expect(cluster.reply(1)?.body['message']).to.match(/front is crash-looping/);
    expect(cluster.of('front').map(({ id, status }) => [id, status])).to.deep.equal(before.map((id) => [id, 'on']));
    cluster.broken.clear();
    cluster.pass(30_000);
    expect(cluster.of('front').map(({ id }) => id)).to.not.include.any.members(before);
  });

  it('R27 what no repository has with its new plugs stays as it is, and can be started again after the next apply', () => {
    const cluster = running();
    const before = cluster.of('front').map(({ id }) => id);
    cluster.lacking.add('front');
    cluster.apply(1, SECOND_SOCKET);
    expect(cluster.reply(1)?.status).to.equal(503);
    expect(cluster.reply(1)?.body['message']).to.match(/no node can run front with its new sockets and plugs/);
    expect(cluster.of('front').map(({ id }) => id)).to.deep.equal(before);
    cluster.lacking.clear();
    cluster.apply(2, SMALL);
    cluster.command(3, { command: 'scale', service: 'front', replicas: 2, dry_run: false });
    expect(cluster.reply(3)?.status).to.equal(200);
  });

  it('a new service that no node can run is told', () => {
    const cluster = running();
    const graph = MORE.replaceAll('more', 'unheard-of').replace(
      'unheard-of:  {kind: service}',
      'unheard-of: {kind: service, replicas: {min: 1, max: 1}}',
    );
    cluster.apply(1, graph);
    expect(cluster.reply(1)?.body['message']).to.match(/no node can run unheard-of/);
  });

  it('an instance whose agent is away is replaced when it is back', () => {
    const { m, agent, gate } = smallCluster();
    m.closeConnection(agent);
    m.pass(2000);
    m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    expect(m.state.instances.get(gate)?.status).to.equal('unknown');
    const again = m.open('127.0.0.11');
    m.register(again, '127.0.0.11', ['gate', 'front', 'side', 'store'], { x_node: 'n1' });
    expect(m.state.instances.get(gate)?.reason).to.match(/replaced: - plug side-plug/);
  });
});

describe('Manager: apply, replicas and policies', () => {
  it('wanted replicas move into the new limits, up and down', () => {
    const cluster = running(3);
    cluster.apply(1, limits(0, 2));
    expect(cluster.reply(1)?.status).to.equal(200);
    expect(cluster.of('front')).to.have.length(2);
    cluster.apply(2, limits(3, 3));
    expect(cluster.of('front')).to.have.length(3);
    cluster.apply(3, limits(0, 3));
    expect(cluster.m.state.services.get('front')).to.deep.include({ desired: 3, floor: 0 });
  });

  it('what only the graph wanted goes with it, where no load will ever want fewer', () => {
    const two = SMALL.replace('public: {users: 8080}', 'public: {users: 8080}, replicas: {min: 2, max: 3}');
    const cluster = running(1, two);
    expect(cluster.of('gate')).to.have.length(2);
    cluster.apply(1, SMALL);
    expect(cluster.of('gate')).to.have.length(1);
    const still = `${limits(2, 3)}policies: {scaling: none}\n`;
    cluster.apply(2, still);
    expect(cluster.of('front')).to.have.length(2);
    cluster.apply(3, `${limits(0, 3)}policies: {scaling: none}\n`);
    expect(cluster.of('front')).to.have.length(1);
  });

  it('idle_after holds from now on', () => {
    const cluster = running();
    cluster.pass(20_000);
    expect(cluster.of('side')).to.have.length(1);
    cluster.apply(1, SMALL.replace('side:  {kind: service}', 'side:  {kind: service, idle_after: 5s}'));
    for (const instance of cluster.of('side')) instance.requests = 1;
    for (const instance of cluster.of('side')) cluster.m.silent.add(instance.id);
    for (let n = 0; n < 12 && cluster.of('side').length > 0; n += 1) {
      cluster.pass(500);
      for (const instance of cluster.of('side')) instance.misses = 0;
    }
    expect(cluster.of('side')).to.deep.equal([]);
  });
});

describe('Manager: an applied graph and the Manager’s restart', () => {
  it('stays when the file is as it was at the last start', () => {
    const cluster = running();
    cluster.apply(1, MORE);
    const { m } = cluster;
    const effects = m.restart();
    expect(m.state.graph).to.deep.equal(graphOf(MORE));
    expect(m.events(effects).join('\n')).to.match(/the graph that was applied last stays/);
    m.restart();
    expect(m.state.graph).to.deep.equal(graphOf(MORE));
  });

  it('gives way to a file that was edited since, which is brought in like an applied one', () => {
    const cluster = running();
    const { m } = cluster;
    cluster.apply(1, MORE);
    const effects = m.restart(graphOf(NO_SIDE));
    expect(m.state.graph).to.deep.equal(graphOf(NO_SIDE));
    expect(m.events(effects).join('\n')).to.match(/the graph of the file has changed: .*- service side/);
    expect(cluster.of('side').map(({ status }) => status)).to.deep.equal(['stopping']);
  });

  it('is no news when the file that was applied is the file of the start', () => {
    const cluster = running();
    cluster.apply(1, MORE);
    expect(cluster.m.events(cluster.m.restart(graphOf(MORE)))).to.have.length(1 + cluster.m.state.instances.size);
  });

  it('a kind that changed in the file of a start is not taken while instances may still run', () => {
    const cluster = running();
    const graph = SMALL.replace('side:  {kind: service}', 'side:  {kind: baas}').replace(/ {2}- \[side,.*\n/, '');
    const effects = cluster.m.restart(graphOf(graph));
    expect(cluster.m.events(effects).join('\n')).to.match(/the graph of the file is not taken: side is a service/);
    expect(cluster.m.state.graph).to.deep.equal(graphOf(SMALL));
  });

  it('what an apply began goes on: instances are replaced, removed services drain', () => {
    const cluster = running();
    const { m } = cluster;
    const [gate] = cluster.of('gate');
    m.command(1, { command: 'apply', graph: graphOf(NO_SIDE), file: 'no-side.yaml', dry_run: false });
    m.restart();
    for (const address of ['127.0.0.11', '127.0.0.12', '127.0.0.13']) {
      const connection = m.open(address);
      cluster.obey(m.register(connection, address, ['gate', 'front', 'side', 'store'], { x_node: address }));
    }
    cluster.pass(3000);
    expect(cluster.of('side')).to.deep.equal([]);
    expect(cluster.of('gate').map(({ id }) => id)).to.not.include(gate?.id);
    expect(cluster.of('gate')[0]?.plugs.map(({ plug }) => plug)).to.deep.equal(['front-plug']);
  });
});
