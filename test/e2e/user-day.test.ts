/** A user's and an operator's day on a real cluster: `npm start`, the client, kills, the Manager's restart, the end. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Cluster, processesNaming, run, until } from './cluster.ts';

const SUBNET = '127.0.71';
const HOSTILE = 'Hello ~ x: 1, %41 \u001b[31mred\u001b[0m\nsecond line 🙂';

describe('a day with the reference CNApp', function () {
  this.timeout(60_000);
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start(SUBNET);
  });
  after(() => cluster.stop());

  it('says nodes, gateway and the next three commands', () => {
    expect(cluster.talk).to.match(/node +1 +127\.0\.71\.11 +registered/);
    expect(cluster.talk).to.match(/gateway +127\.0\.71\.1\d:8080/);
    expect(cluster.talk.match(/npx cnapp /g)).to.have.length(3);
  });

  it('register, login, whoami, post, read: what a user sends is what a user reads', async () => {
    expect(await cluster.cnapp('ann', ['register', 'Ann', '--password-stdin'], 'correct horse 1\n')).to.include({
      code: 0,
    });
    expect((await cluster.cnapp('ann', ['register', 'ANN', '--password-stdin'], 'other horse 22\n')).code).to.equal(1);
    expect((await cluster.cnapp('ann', ['login', 'Ann', '--password-stdin'], 'wrong horse 22\n')).code).to.equal(1);
    expect(await cluster.cnapp('ann', ['login', 'Ann', '--password-stdin'], 'correct horse 1\n')).to.include({
      code: 0,
    });
    expect((await cluster.cnapp('ann', ['whoami'])).out.trim().toLowerCase()).to.equal('ann');
    expect((await cluster.cnapp('ann', ['send-post', HOSTILE])).code).to.equal(0);
    const posts = JSON.parse((await cluster.cnapp('ann', ['last-posts', '-o', 'json'])).out) as {
      text: string;
      user: string;
    }[];
    expect(posts[0]?.text).to.equal(HOSTILE);
    const shown = (await cluster.cnapp('ann', ['last-posts'])).out;
    expect(shown).not.to.include('\u001b');
    expect((await cluster.cnapp('bob', ['last-posts'])).code).to.equal(4);
  });

  it('sends and gets a file, byte for byte; another user does not see it', async () => {
    const path = join(cluster.stateDir, 'picture.bin');
    writeFileSync(path, randomBytes(3_000_000));
    expect(await cluster.cnapp('ann', ['send-file', path])).to.include({ code: 0 });
    expect((await cluster.cnapp('ann', ['list-files', '-o', 'name'])).out.trim()).to.equal('picture.bin');
    const back = join(cluster.stateDir, 'back.bin');
    expect(await cluster.cnapp('ann', ['get-file', 'picture.bin', '--out', back])).to.include({ code: 0 });
    expect(readFileSync(back).equals(readFileSync(path))).to.equal(true);
    await cluster.cnapp('bob', ['register', 'bob', '--password-stdin'], 'battery staple\n');
    await cluster.cnapp('bob', ['login', 'bob', '--password-stdin'], 'battery staple\n');
    expect((await cluster.cnapp('bob', ['get-file', 'picture.bin'])).code).to.equal(1);
  });

  it('shows the ten edges as sessions, and every kind of list as JSON', async () => {
    const sessions = JSON.parse((await cluster.ssmmp('get', 'sessions', '-o', 'json')).out) as Record<
      string,
      unknown
    >[];
    expect(
      new Set(sessions.map((row) => `${String(row['source_service_name'])}>${String(row['dest_service_name'])}`)).size,
    ).to.equal(10);
    expect(sessions[0]).to.include.keys(
      'source_plug_port',
      'dest_socket_port',
      'dest_socket_new_port',
      'status',
      'source_service_instance_id',
    );
    const services = JSON.parse((await cluster.ssmmp('get', 'services', '-o', 'json')).out) as Record<
      string,
      unknown
    >[];
    expect(services).to.have.length(9);
    expect(services[0]).to.include({ service_name: 'api-gateway', kind: 'gateway', desired: 1, running: 1 });
    const nodes = JSON.parse((await cluster.ssmmp('get', 'nodes', '-o', 'json')).out) as Record<string, unknown>[];
    expect(nodes.map((node) => [node['node'], node['agent_network_address'], node['status']])).to.deep.equal(
      [1, 2, 3].map((n) => [n, cluster.node(n), 'registered']),
    );
    const gateways = JSON.parse((await cluster.ssmmp('get', 'gateways', '-o', 'json')).out) as Record<
      string,
      unknown
    >[];
    expect(gateways[0])
      .to.include({ port: 8080 })
      .and.to.have.property('name')
      .that.matches(/^api-gateway-\d+\.social-media\.test$/);
  });

  it('the trace has every hop of a session in order', async () => {
    const trace = JSON.parse((await cluster.ssmmp('trace', '--format', 'json')).out) as {
      hop: string;
      from: string;
      to: string;
      exchange: string;
      message: string;
    }[];
    const first = trace.find(({ message }) => message.includes('type: session_request'));
    const hops = trace
      .filter(({ exchange }) => exchange === first?.exchange)
      .map(({ hop, message }) => `${hop} ${/type: (\S+)/.exec(message)?.[1]}`);
    expect(hops).to.deep.equal([
      'instance-agent session_request',
      'agent-Manager session_request',
      'agent-Manager session_response',
      'instance-agent session_response',
      'instance-agent session_ack',
      'agent-Manager session_ack',
    ]);
    expect((await cluster.ssmmp('trace', '--format', 'mermaid')).out).to.match(/^sequenceDiagram/m);
  });

  for (const service of ['post', 'posts-db', 'api-gateway', 'login', 'users-db', 'table'])
    it(`kill ${service} and keep posting`, async () => {
      const victim = await cluster.one(service);
      expect((await cluster.ssmmp('kill', 'instance', `${service}/${victim.service_instance_id}`)).code).to.equal(0);
      expect(await cluster.cnapp('ann', ['send-post', `after ${service}`])).to.include({ code: 0 });
      const posts = JSON.parse((await cluster.cnapp('ann', ['last-posts', '-o', 'json'])).out) as { text: string }[];
      expect(posts[0]?.text).to.equal(`after ${service}`);
      const next = await cluster.one(service);
      expect(next.service_instance_id).to.be.greaterThan(victim.service_instance_id);
    });

  it('R49 the Manager is killed: users notice nothing, state and ids are back, instances and sessions were not restarted', async () => {
    const before = await cluster.instances();
    expect((await cluster.ssmmp('kill', 'manager')).code).to.equal(0);
    expect(await cluster.cnapp('ann', ['send-post', 'without a Manager'])).to.include({ code: 0 });
    const after = await until('all instances are on again', async () => {
      const rows = await cluster.instances().catch(() => []);
      return rows.length === before.length && rows.every(({ status }) => status === 'on') ? rows : null;
    });
    const pids = (rows: typeof before): string[] =>
      rows.map(({ service_instance_id, pid }) => `${service_instance_id}:${pid}`).sort();
    expect(pids(after)).to.deep.equal(pids(before));
  });

  it('R47 an agent is killed: its instances go on and are taken back', async () => {
    const before = await cluster.instances();
    const node = before.find(({ service_name }) => service_name === 'posts-db')?.service_instance_network_address ?? '';
    expect((await cluster.ssmmp('kill', 'agent', node)).code).to.equal(0);
    expect(await cluster.cnapp('ann', ['send-post', 'without an agent'])).to.include({ code: 0 });
    await until('the agent is back', async () => {
      const rows = JSON.parse((await cluster.ssmmp('get', 'nodes', '-o', 'json')).out) as { status: string }[];
      const now = await cluster.instances();
      return rows.every(({ status }) => status === 'registered') && now.every(({ status }) => status === 'on');
    });
    const now = await cluster.instances();
    for (const row of before)
      expect(now.find(({ service_instance_id }) => service_instance_id === row.service_instance_id)?.pid).to.equal(
        row.pid,
      );
  });

  it('stop: gracefully and hard, answered when it is done', async () => {
    const table = await cluster.one('table');
    expect((await cluster.ssmmp('stop', `table/${table.service_instance_id}`)).code).to.equal(0);
    expect(
      (await cluster.instances('table')).filter(
        ({ service_instance_id }) => service_instance_id === table.service_instance_id,
      ),
    ).to.deep.equal([]);
    expect(await cluster.cnapp('ann', ['last-posts'])).to.include({ code: 0 });
    const again = await cluster.one('table');
    expect((await cluster.ssmmp('stop', String(again.service_instance_id), '--hard')).code).to.equal(0);
    const refused = await cluster.ssmmp('stop', 'table/99999');
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/99999/);
  });
});

describe('two clusters side by side, and the end of one', function () {
  this.timeout(60_000);

  it('do not meet; Ctrl-C twice ends one within 5 s with exit 0 and leaves nothing; its state can be started again', async () => {
    const [one, two] = await Promise.all([
      Cluster.start('127.0.72', ['--nodes', '1']),
      Cluster.start('127.0.73', ['--nodes', '1']),
    ]);
    try {
      await one.cnapp('ann', ['register', 'ann', '--password-stdin'], 'correct horse 1\n');
      await one.cnapp('ann', ['login', 'ann', '--password-stdin'], 'correct horse 1\n');
      expect(await one.cnapp('ann', ['send-post', 'only here'])).to.include({ code: 0 });
      expect((await two.cnapp('ann', ['login', 'ann', '--password-stdin'], 'correct horse 1\n')).code).to.equal(1);
      const again = await run('ssmmp', ['up', '--subnet', '127.0.72', '--state-dir', one.stateDir]);
      expect(again.code).to.equal(1);

      const ids = (await one.instances()).map(({ service_instance_id }) => service_instance_id);
      const began = Date.now();
      one.signal('SIGINT');
      one.signal('SIGINT');
      expect(await one.ended).to.equal(0);
      expect(Date.now() - began).to.be.lessThan(5000);
      expect(processesNaming('127.0.72.')).to.deep.equal([]);

      const back = await Cluster.start('127.0.72', ['--nodes', '1'], one.stateDir);
      try {
        const posts = await back.cnapp('ann', ['last-posts']);
        expect(posts.out).to.match(/only here/);
        const now = (await back.instances()).map(({ service_instance_id }) => service_instance_id);
        expect(Math.min(...now)).to.be.greaterThan(Math.max(...ids));
      } finally {
        await back.stop();
      }
    } finally {
      await two.stop();
    }
  });
});
