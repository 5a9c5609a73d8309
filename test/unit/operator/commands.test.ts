/** The commands of `ssmmp` against a fake operator port: output, exit codes, words of errors. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { smallState, startFakeManager } from './fake-manager.ts';
import type { FakeManager, FakeState } from './fake-manager.ts';
import { bundle, ssmmp, start } from './command-line.ts';

const ADDRESS = '127.0.47.1';
const KEY = '127.0.47.11:20001-127.0.47.12:54001';

describe('ssmmp commands', function () {
  this.timeout(15_000);
  let stateDir = '';
  let state: FakeState;
  let manager: FakeManager;
  let flags: string[] = [];

  before(async () => {
    await bundle();
    stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-operator-'));
    writeFileSync(join(stateDir, 'operator-token'), 'secret\n', { mode: 0o600 });
    state = smallState();
    manager = await startFakeManager(ADDRESS, 'secret', state);
    flags = ['--subnet', '127.0.47', '--state-dir', stateDir, '--operator-port', String(manager.port)];
  });
  after(async () => {
    await manager.close();
    rmSync(stateDir, { recursive: true });
  });

  it('get prints a table without what is over, and with --all everything', async () => {
    const { code, stdout } = await ssmmp(['get', 'instances', ...flags]);
    expect(stdout).to.equal(
      [
        'INSTANCE  ADDRESS      STATUS  PID',
        'gw/1      127.0.47.11  on      4242',
        'post/5    127.0.47.12  on      4243',
        '',
      ].join('\n'),
    );
    expect(code).to.equal(0);
    expect((await ssmmp(['get', 'instances', '--all', ...flags])).stdout).to.include(
      'post/4    127.0.47.12  off     -',
    );
  });

  it('R46 get timers shows what waits how long; get services shows a service that is crash-looping', async () => {
    expect((await ssmmp(['get', 'timers', '-o', 'wide', ...flags])).stdout).to.equal(
      'TIMER   MS     LAB   FACTOR  MEANING\nlostMs  34000  5000  0.1     Lost.\n',
    );
    expect((await ssmmp(['get', 'services', ...flags])).stdout).to.match(/^post +service +1 +0 +crash-looping$/m);
  });

  it('up refuses a factor that breaks a law among the timers, and names the smallest', async () => {
    const { code, stderr } = await ssmmp(['up', '--timer-scale', '0.1', ...flags]);
    expect(code).to.equal(64);
    expect(stderr).to.include('lostMs > suspectMs').and.to.include('the smallest factor for lab is 0.19');
    const unknown = await ssmmp(['up', '--timers', 'fast', ...flags]);
    expect(unknown.code).to.equal(64);
    expect(unknown.stderr).to.include('lab, nomad, kubernetes');
  });

  it('get -o json prints an array with the field names of the specification', async () => {
    const { stdout } = await ssmmp(['get', 'sessions', '-o', 'json', ...flags]);
    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    expect(rows).to.have.length(1);
    expect(rows[0]).to.include({
      source_service_name: 'gw',
      source_plug_port: 20001,
      dest_socket_new_port: 54001,
      status: 'on',
    });
  });

  it('get -o name and wide, and settings from the environment', async () => {
    const env = { SSMMP_SUBNET: '127.0.47', SSMMP_STATE_DIR: stateDir, SSMMP_OPERATOR_PORT: String(manager.port) };
    expect((await ssmmp(['get', 'sessions', '-o', 'name'], env)).stdout).to.equal(`${KEY}\n`);
    expect((await ssmmp(['get', 'instances', '-o', 'wide'], env)).stdout).to.include('s:54001');
  });

  it('a flag goes before the environment', async () => {
    const { stdout } = await ssmmp(['get', 'gateways', '-o', 'name', ...flags], {
      SSMMP_SUBNET: '127.0.48',
      SSMMP_OUTPUT: 'json',
    });
    expect(stdout).to.equal('127.0.47.11:8080\n');
  });

  it('the cluster’s own file comes after both', async () => {
    const file = { subnet: '127.0.47', manager: ADDRESS, operator_port: manager.port, gateways: [], nodes: [], pid: 1 };
    writeFileSync(join(stateDir, 'cluster.json'), JSON.stringify(file));
    expect((await ssmmp(['get', 'nodes', '-o', 'name', '--state-dir', stateDir])).stdout).to.equal(
      '127.0.47.11\n127.0.47.12\n',
    );
    rmSync(join(stateDir, 'cluster.json'));
  });

  it('describe finds an instance, a service, a node, a session', async () => {
    const instance = await ssmmp(['describe', '5', ...flags]);
    expect(instance.stdout).to.include('instance:  post/5').and.to.include(`gw/1  →  post/5  p  on  ${KEY}`);
    const service = JSON.parse((await ssmmp(['describe', 'post', '-o', 'json', ...flags])).stdout) as Record<
      string,
      unknown[]
    >;
    expect(service).to.have.all.keys('kind', 'service', 'edges', 'instances', 'sessions');
    expect(service['instances']).to.have.length(1);
    expect((await ssmmp(['describe', 'node', '2', ...flags])).stdout).to.include('status:   suspect');
    expect((await ssmmp(['describe', KEY, ...flags])).stdout).to.include('destination:  post/5');
  });

  it('describe of nothing is 1, and with -o json an error of three fields', async () => {
    const { code, stderr } = await ssmmp(['describe', 'nobody', '-o', 'json', ...flags]);
    expect(code).to.equal(1);
    expect(JSON.parse(stderr)).to.have.keys('status', 'message', 'data').and.include({ status: 404 });
  });

  it('stop sends the command and says what became of it', async () => {
    const { code, stdout } = await ssmmp(['stop', 'post/5', '--hard', ...flags]);
    expect([code, stdout]).to.deep.equal([0, 'post/5 is off\n']);
    expect(manager.commands.at(-1)).to.deep.equal({ command: 'stop', instance: 'post/5', hard: true });
  });

  it('a command that the Manager refuses is 1 with the Manager’s words', async () => {
    state.commandAnswer = { status: 404, body: { status: 404, message: 'no instance 99', data: null } };
    const { code, stderr } = await ssmmp(['stop', '99', ...flags]);
    expect(code).to.equal(1);
    expect(stderr).to.equal('ssmmp: no instance 99 (POST /v1/commands was answered 404)\n');
  });

  it('events --watch tells the past and what comes, and ends with 0', async () => {
    const watching = start(['events', '--watch', ...flags]);
    await watching.said('gw/1 is on');
    manager.push({ seq: 2, time: '2025-01-31T12:00:01.000Z', kind: 'instance_off', text: 'gw/1 ended\u001b[31m' });
    await watching.said('gw/1 ended\\u{1b}[31m');
    watching.child.kill('SIGINT');
    expect((await watching.ended).code).to.equal(0);
    const { stdout } = await ssmmp(['events', '--since', '1', '-o', 'json', ...flags]);
    expect(JSON.parse(stdout)).to.have.length(1);
  });

  it('graph shows what runs; of a file it needs no cluster', async () => {
    const running = await ssmmp(['graph', ...flags]);
    expect(running.stdout).to.include('gw  [gateway]  u :8080  1 instance').and.to.include('p → s  post  1 session\n');
    const file = join(stateDir, 'bad.yaml');
    writeFileSync(file, 'services:\n  a: {kind: baas}\n');
    const { code, stderr } = await ssmmp(['graph', file]);
    expect(code).to.equal(1);
    expect(stderr).to.include(`${file}:1:1 the graph has no gateway`);
  });

  it('trace merges the agents’ files with the Manager’s, and finds a session', async () => {
    const folder = join(stateDir, 'nodes', '1');
    mkdirSync(folder, { recursive: true });
    const entry = (time: string, message: string): string =>
      JSON.stringify({ time, hop: 'instance-agent', from: 'gw/1', to: '127.0.47.11', exchange: 'gw/1/1000', message });
    writeFileSync(
      join(folder, 'trace.jsonl'),
      [
        entry(
          '2025-01-31T12:00:00.001Z',
          'type: session_request ~ message_id: 1000 ~ source_service_instance_network_address: 127.0.47.11',
        ),
        entry(
          '2025-01-31T12:00:00.002Z',
          'type: session_response ~ message_id: 1000 ~ dest_service_instance_network_address: 127.0.47.12 ~ dest_socket_port: 54001',
        ),
        entry(
          '2025-01-31T12:00:00.003Z',
          'type: session_ack ~ message_id: 1000 ~ source_plug_port: 20001 ~ status: 200',
        ),
        entry('2025-01-31T12:00:00.004Z', 'type: initiation_request ~ message_id: 1').replace('/1000', '/1'),
        '{"time": "cut o',
      ].join('\n'),
    );
    const whole = JSON.parse((await ssmmp(['trace', '-o', 'json', ...flags])).stdout) as unknown[];
    expect(whole).to.have.length(4);
    const one = await ssmmp(['trace', '--session', KEY, '--format', 'mermaid', ...flags]);
    expect(one.stdout).to.equal(`sequenceDiagram
  participant p0 as gw/1
  participant p1 as 127.0.47.11
  p0->>p1: session_request 1000
  p0-->>p1: session_response 1000
  p0->>p1: session_ack 1000 status 200
`);
    expect((await ssmmp(['trace', '--session', KEY.replace('20001', '9'), ...flags])).code).to.equal(1);
    expect((await ssmmp(['trace', '--session', 'nonsense', ...flags])).code).to.equal(64);
  });

  it('logs merges the logs of all processes and chooses', async () => {
    const folder = join(stateDir, 'nodes', '1', 'logs');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(stateDir, 'manager.log'),
      '{"level":30,"time":"2025-01-31T12:00:01.000Z","msg":"listening","port":55555}\n',
    );
    writeFileSync(
      join(folder, 'post-5.log'),
      '{"level":50,"time":"2025-01-31T12:00:00.000Z","msg":"no"}\nError: stack\n{"level":30,"time":"2025-01-31T12:00:02.000Z","msg":"yes"}\n',
    );
    const { stdout } = await ssmmp(['logs', '--state-dir', stateDir]);
    expect(stdout.split('\n').map((line) => line.replace(/\s+/g, ' '))).to.deep.equal([
      '12:00:00.000 post/5 @1 error no',
      ' post/5 @1 Error: stack',
      '12:00:01.000 manager info listening port=55555',
      '12:00:02.000 post/5 @1 info yes',
      '',
    ]);
    expect((await ssmmp(['logs', '5', '-n', '1', '-o', 'json', '--state-dir', stateDir])).stdout).to.include(
      '"msg":"yes"',
    );
    const none = await ssmmp(['logs', 'psot', '--state-dir', stateDir]);
    expect(none).to.include({ code: 1, stdout: '' });
    expect(none.stderr).to.match(/no log of psot is in .*; there are those of manager, post\/5/);
  });

  it('a Manager that does not answer is 3, with what to do', async () => {
    const { code, stderr } = await ssmmp([
      'get',
      'nodes',
      '--subnet',
      '127.0.47',
      '--state-dir',
      stateDir,
      '--operator-port',
      '59999',
    ]);
    expect(code).to.equal(3);
    expect(stderr, stderr).to.include('127.0.47.1:59999 does not answer (ECONNREFUSED)').and.to.include('npm start');
    const nowhere = await ssmmp(['get', 'nodes', '--state-dir', join(stateDir, 'none')]);
    expect([nowhere.code, nowhere.stderr.includes('no operator token')]).to.deep.equal([3, true]);
  });

  it('a wrong token is told with the file it came from', async () => {
    const other = mkdtempSync(join(tmpdir(), 'ssmmp-operator-'));
    writeFileSync(join(other, 'operator-token'), 'wrong');
    const { code, stderr } = await ssmmp([
      'get',
      'nodes',
      '--subnet',
      '127.0.47',
      '--state-dir',
      other,
      '--operator-port',
      String(manager.port),
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.include(join(other, 'operator-token'));
    rmSync(other, { recursive: true });
  });

  for (const args of [
    ['get', 'things'],
    ['frobnicate'],
    ['stop'],
    ['stop', 'x/y'],
    ['kill', 'agent'],
    ['kill', 'manager', '--signal', 'HUP'],
    ['up', '--nodes', '0'],
    ['get', 'nodes', '--subnet', '1.2'],
    ['get', 'nodes', '-o', 'xml'],
    [],
  ]) {
    it(`usage: \`ssmmp ${args.join(' ')}\` is 64`, async () => {
      expect((await ssmmp(args)).code).to.equal(64);
    });
  }

  it('--help leads with examples and is 0', async () => {
    for (const command of [
      'up',
      'down',
      'doctor',
      'get',
      'describe',
      'stop',
      'kill',
      'logs',
      'events',
      'trace',
      'graph',
      'manager',
      'agent',
    ]) {
      const { code, stdout } = await ssmmp([command, '--help']);
      expect([code, stdout.split('\n')[0]], command).to.deep.equal([0, 'Examples:']);
    }
  });
});
