/** `ssmmp scale`, `migrate`, `drain`, `uncordon`, `plan`, `apply` against a fake operator port. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Progress } from '../../../operator/core/progress.ts';
import { changesText, stepsText } from '../../../operator/core/steps.ts';
import { PLAIN_STYLE } from '../../../operator/core/tables.ts';
import { smallState, startFakeManager } from './fake-manager.ts';
import type { FakeManager, FakeState } from './fake-manager.ts';
import { bundle, ssmmp } from './command-line.ts';

const ADDRESS = '127.0.52.1';
const GRAPH = `cnapp: tiny
services:
  gw: {kind: gateway, public: {u: 8080}}
  post: {kind: service}
  db: {kind: baas}
edges:
  - [gw, [p, s], post]
  - [post, [q, t], db]
`;

describe('ssmmp operations', function () {
  this.timeout(15_000);
  let stateDir = '';
  let file = '';
  let state: FakeState;
  let manager: FakeManager;
  let seq = 1;
  let flags: string[] = [];

  /** An event as the Manager sends it. */
  function push(what: string, text: string, data: Record<string, unknown>): void {
    seq += 1;
    manager.push({ seq, time: '2025-01-31T12:00:01.000Z', kind: what, text, data });
  }

  before(async () => {
    await bundle();
    stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-operator-'));
    file = join(stateDir, 'graph.yaml');
    writeFileSync(join(stateDir, 'operator-token'), 'secret\n', { mode: 0o600 });
    writeFileSync(file, GRAPH);
    state = smallState();
    manager = await startFakeManager(ADDRESS, 'secret', state);
    flags = ['--subnet', '127.0.52', '--state-dir', stateDir, '--operator-port', String(manager.port)];
  });
  afterEach(() => {
    delete state.onCommand;
  });
  after(async () => {
    await manager.close();
    rmSync(stateDir, { recursive: true });
  });

  it('scale tells on stderr what happens meanwhile, and nothing that belongs to others', async () => {
    state.commandAnswer = { status: 200, body: { service_name: 'post', desired: 2, running: 2 } };
    state.onCommand = () => {
      push('command', 'operator scales post 1 → 2', { service_name: 'post' });
      push('instance', 'other/8 planned → starting', { service_name: 'other', service_instance_id: 8 });
      push('instance', 'post/9 planned → starting', { service_name: 'post', service_instance_id: 9 });
      push('session', 'k on: gw/1 p → s post/9', {
        session: 'k',
        source_service_instance_id: 1,
        dest_service_instance_id: 9,
      });
      push('session', 'k closed 111', { session: 'k' });
      push('session', 'j closed 111', { session: 'j' });
    };
    const { code, stdout, stderr } = await ssmmp(['scale', 'post', '2', ...flags]);
    expect([code, stdout]).to.deep.equal([0, 'post has 2 replicas\n']);
    expect(stderr.trim().split('\n')).to.have.length(4);
    expect(stderr).to.include('post/9 planned').and.to.include('k closed');
    expect(stderr).to.not.include('other/8');
    expect(manager.commands.at(-1)).to.deep.equal({
      command: 'scale',
      service: 'post',
      replicas: 2,
      dry_run: false,
    });
  });

  it('scale that is refused is 1 with the reason; another wish that overtook it is told', async () => {
    state.commandAnswer = { status: 409, body: { status: 409, message: 'db is a BaaS', data: {} } };
    const refused = await ssmmp(['scale', 'db', '2', ...flags]);
    expect([refused.code, refused.stdout]).to.deep.equal([1, '']);
    expect(refused.stderr).to.include('db is a BaaS');
    state.commandAnswer = { status: 200, body: { service_name: 'post', desired: 1, running: 1 } };
    expect((await ssmmp(['scale', 'post', '2', ...flags])).stdout).to.equal(
      'post has 1 replica; the wanted number is 1 by now\n',
    );
  });

  it('--dry-run prints the steps as a table, or as JSON', async () => {
    const steps = [
      { action: 'start', service_name: 'post', agent_network_address: '127.0.52.12', why: '1 of 2 replicas run' },
      { action: 'start', service_name: 'post', agent_network_address: null, why: '1 of 2 replicas run' },
    ];
    state.commandAnswer = { status: 200, body: { dry_run: true, steps } };
    const { code, stdout } = await ssmmp(['scale', 'post', '3', '--dry-run', ...flags]);
    expect(stdout).to.equal(
      [
        'ACTION  WHAT  TO           WHY',
        'start   post  127.0.52.12  1 of 2 replicas run',
        'start   post  no node now  1 of 2 replicas run',
        '',
      ].join('\n'),
    );
    expect(code).to.equal(0);
    const json = await ssmmp(['drain', '2', '--dry-run', '-o', 'json', ...flags]);
    expect(JSON.parse(json.stdout)).to.deep.equal({ dry_run: true, steps });
    expect(manager.commands.at(-1)).to.deep.equal({ command: 'drain', node: '2', dry_run: true });
  });

  it('migrate says where the instance is now', async () => {
    const body = {
      service_name: 'post',
      from: 5,
      service_instance_id: 9,
      service_instance_network_address: '127.0.52.11',
      status: 'on',
    };
    state.commandAnswer = { status: 200, body };
    state.onCommand = () => push('instance', 'post/9 starting → on', { service_name: 'post', service_instance_id: 9 });
    const { code, stdout, stderr } = await ssmmp(['migrate', 'post/5', '--to', '1', ...flags]);
    expect([code, stdout]).to.deep.equal([0, 'post/5 is now post/9 at 127.0.52.11\n']);
    expect(stderr).to.include('post/9 starting → on');
    expect(manager.commands.at(-1)).to.deep.equal({
      command: 'migrate',
      instance: 'post/5',
      to: '1',
      dry_run: false,
    });
    const json = await ssmmp(['migrate', '5', '-o', 'json', ...flags]);
    expect(JSON.parse(json.stdout)).to.deep.equal(body);
  });

  it('drain tells what happens on the node and to what ran there; uncordon takes it back', async () => {
    const node = { agent_network_address: '127.0.47.12', node: 2 };
    state.commandAnswer = { status: 200, body: { ...node, status: 'drained' } };
    state.onCommand = () => {
      const post = { service_name: 'post', agent_network_address: '127.0.47.11' };
      push('instance', 'post/9 starting → on', { ...post, service_instance_id: 9 });
      push('instance', 'gw/1 on → draining', { service_name: 'gw', service_instance_id: 1 });
    };
    const { code, stdout, stderr } = await ssmmp(['drain', '2', ...flags]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^node 2 \(127\.0\.47\.12\) is empty: it is safe to switch it off/);
    expect(stderr).to.include('post/9').and.to.not.include('gw/1');
    state.commandAnswer = { status: 200, body: { ...node, status: 'registered' } };
    const back = await ssmmp(['uncordon', '127.0.47.12', ...flags]);
    expect([back.code, back.stdout]).to.deep.equal([0, 'node 2 (127.0.47.12) is used again\n']);
  });

  it('plan is 0 without a difference and 2 with one', async () => {
    const none = { dry_run: true, file, changes: [], refused: [], steps: [], warnings: [] };
    state.commandAnswer = { status: 200, body: none };
    const same = await ssmmp(['plan', file, ...flags]);
    expect([same.code, same.stdout, same.stderr]).to.deep.equal([0, 'no difference to the graph that runs\n', '']);
    expect(manager.commands.at(-1)).to.deep.equal({ command: 'apply', file, text: GRAPH, dry_run: true });
    const changes = [{ what: 'edge_added', edge: { source: 'post', plug: 'q', socket: 't', dest: 'db' } }];
    state.commandAnswer = { status: 200, body: { ...none, changes, warnings: ['no node has db'] } };
    const other = await ssmmp(['plan', file, ...flags]);
    expect(other.code).to.equal(2);
    expect(other.stdout).to.equal('+ edge post q → t db\n\nnothing has to be done\n');
    expect(other.stderr).to.equal('warning: no node has db\n');
    const json = await ssmmp(['plan', file, '-o', 'json', ...flags]);
    expect([json.code, (JSON.parse(json.stdout) as { changes: unknown }).changes]).to.deep.equal([2, changes]);
  });

  it('apply shows the difference, does it, and tells what happens meanwhile', async () => {
    const change = { what: 'idle_after', service_name: 'post', from: null, to: 60_000 };
    const body = { file, changes: [change], refused: [], steps: [], warnings: [] };
    state.onCommand = ({ dry_run }) => {
      state.commandAnswer = { status: 200, body: { ...body, ...(dry_run === true ? { dry_run } : {}) } };
      if (dry_run === false) push('service', 'post/5 is replaced by post/9', { service_name: 'post' });
    };
    const { code, stdout, stderr } = await ssmmp(['apply', file, ...flags]);
    expect([code, stdout]).to.deep.equal([
      0,
      `~ idle_after of post: never → 1m\n\nnothing has to be done\n${file} is applied\n`,
    ]);
    expect(stderr).to.include('post/5 is replaced by post/9');
    const json = await ssmmp(['apply', file, '-o', 'json', ...flags]);
    expect(JSON.parse(json.stdout)).to.deep.equal(body);
  });

  it('what cannot change is 1 with the reason, for plan and for apply, and nothing is sent to be done', async () => {
    const change = { what: 'kind', service_name: 'post', from: 'service', to: 'baas' };
    const body = { dry_run: true, file, changes: [change], refused: ['post is a service'], steps: [], warnings: [] };
    state.commandAnswer = { status: 200, body };
    for (const command of ['plan', 'apply']) {
      const { code, stdout, stderr } = await ssmmp([command, file, ...flags]);
      expect(code).to.equal(1);
      expect(stdout).to.include('~ kind of post: service → baas');
      expect(stderr).to.include(`${file} cannot be applied: post is a service`);
      expect(manager.commands.at(-1)).to.include({ dry_run: true });
    }
  });

  it('a bad file is 1 with every problem by line, before the Manager is asked', async () => {
    const bad = join(stateDir, 'bad.yaml');
    writeFileSync(bad, GRAPH.replace('[q, t], db]', '[q, t], dbs]').replace('kind: baas', 'kind: store'));
    const asked = manager.commands.length;
    for (const command of ['plan', 'apply']) {
      const { code, stderr } = await ssmmp([command, bad, ...flags]);
      expect(code).to.equal(1);
      expect(stderr).to.include(`${bad}:5:`).and.to.include(`${bad}:8:`);
    }
    expect(manager.commands).to.have.length(asked);
    expect((await ssmmp(['plan', join(stateDir, 'none.yaml'), ...flags])).code).to.equal(1);
  });

  it('no Manager is 3', async () => {
    const elsewhere = [...flags.slice(0, -1), '59999'];
    for (const args of [
      ['scale', 'post', '2'],
      ['migrate', '5'],
      ['drain', '2'],
      ['uncordon', '2'],
      ['plan', file],
    ])
      expect((await ssmmp([...args, ...elsewhere])).code, args.join(' ')).to.equal(3);
  });

  for (const args of [
    ['scale', 'post'],
    ['scale', 'post', 'many'],
    ['scale', 'post', '-1'],
    ['scale', 'a b', '1'],
    ['migrate', 'post'],
    ['migrate', '5', '--to', 'there'],
    ['drain', 'node'],
    ['uncordon'],
    ['plan'],
    ['apply', 'a', 'b'],
  ])
    it(`usage: \`ssmmp ${args.join(' ')}\` is 64`, async () => {
      expect((await ssmmp([...args, ...flags])).code).to.equal(64);
    });

  for (const command of ['scale', 'migrate', 'drain', 'uncordon', 'plan', 'apply'])
    it(`${command} --help leads with examples`, async () => {
      const { code, stdout } = await ssmmp([command, '--help']);
      expect([code, stdout.startsWith('Examples:\n')]).to.deep.equal([0, true]);
    });
});

describe('ssmmp operations, the pure half', () => {
  it('names from a stranger’s file cannot steer the terminal', () => {
    const change = { what: 'alias', from: null, to: 'a\u001b[31m' } as const;
    expect(changesText([change], PLAIN_STYLE)).to.equal('~ alias: none → a\\u{1b}[31m\n');
    expect(stepsText([{ action: 'drain', instance: 'a\u0007', why: 'x' }], PLAIN_STYLE)).to.include('a\\u{7}');
  });

  it('sessions that were there before belong too', () => {
    const { instances, sessions } = smallState();
    const progress = new Progress(['post']);
    progress.begin(instances, sessions);
    const event = { seq: 1, time: '', kind: 'session', text: '' };
    expect(progress.belongs({ ...event, data: { session: '127.0.47.11:20001-127.0.47.12:54001' } })).to.equal(true);
    expect(progress.belongs({ ...event, data: { session: '127.0.47.11:1-127.0.47.12:54001' } })).to.equal(false);
    expect(progress.belongs({ ...event, kind: 'protocol', data: {} })).to.equal(false);
  });
});
