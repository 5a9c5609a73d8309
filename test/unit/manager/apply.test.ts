/** `ssmmp plan` and `ssmmp apply`, on the Manager's core: what is told, edges and services that come and go. */
import { expect } from 'chai';
import { saveManager } from '../../../manager/core/save.ts';
import { MOVED, NO_SIDE, MORE, limits, running } from './apply-graphs.ts';
import { graphOf, sessionAck, sessionRequest, SMALL, smallCluster } from './harness.ts';
import { Obedient } from './obedient.ts';

describe('Manager: plan', () => {
  it('says that there is no difference', () => {
    const cluster = running();
    cluster.apply(1, SMALL, true);
    expect(cluster.reply(1)?.body).to.deep.equal({
      dry_run: true,
      file: 'test.yaml',
      changes: [],
      refused: [],
      steps: [],
      warnings: [],
    });
  });

  it('tells the difference and what would be done, and changes nothing', () => {
    const cluster = running();
    const before = JSON.stringify(saveManager(cluster.m.state));
    cluster.apply(1, MORE.replace('{min: 0, max: 3}', '{min: 2, max: 3}'), true);
    expect(JSON.stringify(saveManager(cluster.m.state))).to.equal(before);
    const body = cluster.reply(1)?.body as { changes: { what: string }[]; steps: Record<string, unknown>[] };
    expect(body.changes.map(({ what }) => what)).to.deep.equal([
      'service_added',
      'replicas',
      'edge_added',
      'edge_added',
    ]);
    expect(body.steps).to.deep.equal([
      {
        action: 'replace',
        instance: 'gate/1',
        agent_network_address: '127.0.0.11',
        to: '127.0.0.12',
        why: '+ plug more-plug to more',
      },
      {
        action: 'start',
        service_name: 'front',
        agent_network_address: '127.0.0.13',
        why: '1 of 2 replicas run; the node with the fewest instances is taken first',
      },
    ]);
  });

  it('foretells what apply does with the wanted replicas', () => {
    const none = 'policies: {scaling: none}\n';
    const steps: [from: string, to: string, actions: string[]][] = [
      [limits(2, 3), limits(0, 3), []],
      [`${limits(2, 3)}${none}`, `${limits(0, 3)}${none}`, ['drain']],
      [`${limits(2, 3)}${none}`, limits(0, 3), []],
      [limits(2, 3), `${limits(0, 3)}${none}`, ['drain']],
      [limits(0, 3), limits(3, 3), ['start', 'start']],
    ];
    for (const [from, to, actions] of steps) {
      const cluster = running(1, from);
      cluster.apply(1, to, true);
      const planned = cluster.reply(1)?.body['steps'] as { action: string }[];
      expect(
        planned.map(({ action }) => action),
        to,
      ).to.deep.equal(actions);
      const before = cluster.of('front').length;
      cluster.apply(2, to);
      const change = actions.length * (actions[0] === 'drain' ? -1 : 1);
      expect(cluster.of('front').length - before, to).to.equal(change);
    }
  });

  it('tells what would be refused, and warns of a service that no node has', () => {
    const cluster = running();
    cluster.apply(
      1,
      SMALL.replace('side:  {kind: service}', 'side:  {kind: baas}').replace(/ {2}- \[side,.*\n/, ''),
      true,
    );
    expect(cluster.reply(1)?.status).to.equal(200);
    expect(cluster.reply(1)?.body['refused']).to.have.length(1);
    cluster.apply(2, MORE.replaceAll('more', 'unheard-of'), true);
    expect(cluster.reply(2)?.body['warnings']).to.match(/no node has unheard-of in its repository/);
  });
});

describe('Manager: apply, edges', () => {
  it('R38 live sessions of a removed edge are asked to close at once, and new ones are refused with 403', () => {
    const cluster = running();
    const { m } = cluster;
    const gate = cluster.of('gate')[0];
    const effects = m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    const closes = m.sent('source_service_session_close_request', effects);
    expect(closes.map((close) => close.source_plug_name)).to.include('side-plug');
    cluster.obey(effects);
    expect(cluster.spread('side')).to.deep.equal([0]);
    const asked = m.say(
      cluster.homeOf(gate),
      sessionRequest(5000, ['gate', gate?.id ?? 0], 'side-plug', 'side-socket', 'side'),
    );
    expect([403, 409]).to.include(m.one('session_response', asked).status);
    expect(cluster.reply(1)?.status).to.equal(200);
  });

  it('R38 an instance that is older than the graph is refused with 403 too', () => {
    const { m, agent, gate } = smallCluster();
    m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    m.say(agent, sessionRequest(5000, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    expect(m.one('session_response').status).to.equal(403);
  });

  it('R38 a request that waits for a removed edge is answered 403', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(5000, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    expect(m.sent('session_response')).to.deep.equal([]);
    m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    expect(m.one('session_response')).to.deep.include({ message_id: 5000, status: 403 });
  });

  it('R33 a session that was granted on a removed edge is closed when its ack comes', () => {
    const { m, agent, gate, store } = smallCluster();
    m.say(agent, sessionRequest(5000, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    const start = m.sent('execution_request')[0];
    m.started(agent, start?.message_id ?? 0);
    const granted = m.one('session_response');
    m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    m.say(agent, sessionAck(5000, ['gate', gate], 20001, granted.dest_socket_port ?? 0));
    expect(m.sent('source_service_session_close_request').map((close) => close.source_plug_port)).to.deep.equal([
      20001,
    ]);
    expect(store).to.be.above(0);
  });

  it('R39 while both ends are out of contact a session stays; it is asked to close when an agent is back', () => {
    const { m, agent, gate } = smallCluster();
    m.say(agent, sessionRequest(5000, ['gate', gate], 'side-plug', 'side-socket', 'side'));
    const start = m.sent('execution_request')[0];
    m.started(agent, start?.message_id ?? 0);
    m.say(agent, sessionAck(5000, ['gate', gate], 20001, m.one('session_response').dest_socket_port ?? 0));
    m.closeConnection(agent);
    m.command(1, { command: 'apply', graph: graphOf(MOVED), file: 'moved.yaml', dry_run: false });
    expect([...m.state.sessions.values()].map(({ status }) => status)).to.deep.equal(['on']);
    const again = m.open('127.0.0.11');
    const effects = m.register(again, '127.0.0.11', ['gate', 'front', 'side', 'store'], { x_node: 'n1' });
    expect(m.sent('source_service_session_close_request', effects).map((close) => close.on)).to.include(again);
  });
});

describe('Manager: apply, services', () => {
  it('instances of a removed service drain; the answer comes when they are gone, and nobody remembers it', () => {
    const cluster = running();
    cluster.slow.add('side');
    cluster.apply(1, NO_SIDE);
    expect(cluster.reply(1)).to.equal(undefined);
    expect(cluster.of('side').map(({ status }) => status)).to.deep.equal(['stopping']);
    cluster.pass(10_500);
    expect(cluster.reply(1)?.status).to.equal(200);
    expect(cluster.of('side')).to.deep.equal([]);
    expect(cluster.m.state.services.has('side')).to.equal(false);
    const gate = cluster.of('gate')[0];
    const asked = cluster.m.say(
      cluster.homeOf(gate),
      sessionRequest(5000, ['gate', gate?.id ?? 0], 'side-plug', 'side-socket', 'side'),
    );
    expect(cluster.m.one('session_response', asked).status).to.equal(404);
  });

  it('a service that comes back while its old instances still drain starts anew', () => {
    const cluster = running();
    cluster.slow.add('side');
    cluster.apply(1, NO_SIDE);
    cluster.apply(2, SMALL.replace('side:  {kind: service}', 'side:  {kind: service, replicas: {min: 1, max: 2}}'));
    expect(cluster.of('side').map(({ status }) => status)).to.deep.equal(['stopping', 'starting']);
    cluster.slow.clear();
    cluster.pass(12_500);
    expect(cluster.m.state.services.get('side')).to.deep.include({ desired: 1, floor: 1 });
    cluster.pass(10_000);
    expect(cluster.of('side').filter(({ status }) => status === 'on')).to.have.length(1);
    expect(cluster.reply(2)?.status).to.equal(200);
  });

  it('a new service runs when its fewest replicas or a request want it', () => {
    const cluster = running();
    cluster.apply(1, MORE.replace('more:  {kind: service}', 'more:  {kind: service, replicas: {min: 2, max: 3}}'));
    expect(cluster.reply(1)?.status).to.equal(200);
    expect(cluster.of('more')).to.have.length(2);
    cluster.open('gate', 'more-plug', 'more-socket', 'more');
    expect(cluster.spread('more')).to.deep.equal([0, 1]);
  });

  it('the kind of a service that runs cannot change, and nothing else of that graph is done', () => {
    const cluster = running();
    const graph = MORE.replace('side:  {kind: service}', 'side:  {kind: baas}').replace(/ {2}- \[side,.*\n/, '');
    cluster.apply(1, graph);
    expect(cluster.reply(1)?.status).to.equal(409);
    expect(cluster.reply(1)?.body['message']).to.match(/side is a service and cannot become a baas while an instance/);
    expect(cluster.m.state.graph).to.deep.equal(graphOf(SMALL));
    const idle = new Obedient();
    idle.apply(1, graph);
    expect(idle.reply(1)?.status).to.equal(200);
    expect(idle.of('side')).to.have.length(1);
  });
});
