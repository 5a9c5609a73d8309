/** The life of a testbed under `ssmmp up` and `ssmmp down`: in order, in a hurry, half dead, side by side. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findProcesses } from '../../operator/shell/testbed-processes.ts';
import { Cluster, processesNaming, run, until } from './cluster.ts';
import { replayProblem } from './replay.ts';

const SUBNET = '127.0.47';
const SSMMP = fileURLToPath(new URL('../../dist/ssmmp.js', import.meta.url));
/** What a person was promised. */
const STOP_MS_MAX = 5000;

describe('ssmmp up and down', function () {
  this.timeout(60_000);
  let stateDir = '';
  let flags: string[] = [];

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-testbed-'));
    flags = ['--subnet', SUBNET, '--state-dir', stateDir];
  });
  afterEach(async () => {
    await run('ssmmp', ['down', ...flags]);
    expect(leftovers(stateDir)).to.deep.equal([]);
    expect(replayProblem(stateDir)).to.equal(null);
    rmSync(stateDir, { recursive: true, force: true });
  });

  const front = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [SSMMP, 'up', ...flags, ...args], { stdio: 'ignore' });

  it('stops within 5 s with exit 0, also when Manager and an agent hang and a second Ctrl-C comes', async () => {
    const cluster = await Cluster.start(SUBNET, [], stateDir);
    await cluster.ssmmp('kill', 'manager', '--signal', 'STOP');
    await cluster.ssmmp('kill', 'agent', '2', '--signal', 'STOP');
    const from = Date.now();
    cluster.signal('SIGINT');
    await until('it says that it stops', () => cluster.talk.includes('stopping'));
    cluster.signal('SIGINT');
    expect(await cluster.ended).to.equal(0);
    expect(Date.now() - from).to.be.below(STOP_MS_MAX);
    expect(leftovers(stateDir)).to.deep.equal([]);
  });

  it('stops within 5 s when the Manager hangs and nobody hurries', async () => {
    const cluster = await Cluster.start(SUBNET, [], stateDir);
    await cluster.ssmmp('kill', 'manager', '--signal', 'STOP');
    const from = Date.now();
    cluster.signal('SIGTERM');
    expect(await cluster.ended).to.equal(0);
    expect(Date.now() - from).to.be.below(STOP_MS_MAX);
    expect(leftovers(stateDir)).to.deep.equal([]);
  });

  for (const step of ['up.lock', 'cluster.json', 'manager.pid']) {
    it(`a Ctrl-C while it starts (once ${step} is there) leaves nothing`, async () => {
      const up = front();
      await until(step, () => existsSync(join(stateDir, step)));
      up.kill('SIGINT');
      const [code] = (await once(up, 'exit')) as [number | null];
      expect(code).to.equal(0);
      expect(leftovers(stateDir)).to.deep.equal([]);
    });
  }

  it('--detach gives the terminal back; a second one is refused in one sentence; down ends it and says what it did', async () => {
    const first = await run('ssmmp', ['up', '--detach', ...flags]);
    expect(first).to.include({ code: 0 });
    expect(first.out).to.include('ready: social-media is served').and.to.include(`npx ssmmp down --subnet ${SUBNET}`);
    for (const args of [['up'], ['up', '--detach']]) {
      const second = await run('ssmmp', [...args, ...flags]);
      expect(second.code).to.equal(1);
      expect(second.err).to.include(`a cluster runs from ${stateDir} already (pid `).and.to.include('ssmmp down');
    }
    const down = await run('ssmmp', ['down', ...flags]);
    expect(down.out).to.match(
      /^ended ssmmp up, the supervisor, the Manager, 3 agents, \d+ instances; data, logs and traces stay in /,
    );
    expect(await run('ssmmp', ['down', ...flags])).to.deep.equal({
      code: 0,
      out: `nothing runs from ${stateDir}\n`,
      err: '',
    });
  });

  it('R47 R51 a copy of the state directory of a cluster that runs: down ends nothing there, up is another cluster', async () => {
    const copy = `${stateDir}-copy`;
    const there = ['--subnet', SUBNET, '--state-dir', copy];
    try {
      expect(await run('ssmmp', ['up', '--detach', ...flags])).to.include({ code: 0 });
      const before = pids(stateDir);
      cpSync(stateDir, copy, { recursive: true, preserveTimestamps: true });
      const refused = await run('ssmmp', ['up', ...there]);
      expect(refused).to.include({ code: 1 });
      expect(refused.err)
        .to.include(`${copy} is a copy of `)
        .and.to.match(/is taken by|are not free/);
      rmSync(copy, { recursive: true });
      cpSync(stateDir, copy, { recursive: true, preserveTimestamps: true });
      expect(await run('ssmmp', ['down', ...there])).to.include({ code: 0, out: `nothing runs from ${copy}\n` });
      expect(pids(stateDir), 'the original goes on').to.deep.equal(before);
      rmSync(copy, { recursive: true });
      cpSync(stateDir, copy, { recursive: true, preserveTimestamps: true });
      await run('ssmmp', ['down', ...flags]);
      expect(await run('ssmmp', ['up', '--detach', ...there])).to.include({ code: 0 });
      expect(pids(copy)).to.include.all.keys('supervisor', 'Manager', 'agent 1', 'agent 2', 'agent 3');
    } finally {
      await run('ssmmp', ['down', ...there]);
      expect(leftovers(copy)).to.deep.equal([]);
      expect(replayProblem(copy)).to.equal(null);
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('an up that was killed: doctor tells, other options are refused, the same take over all that runs, down ends what is half dead', async () => {
    const up = front();
    await served(flags);
    up.kill('SIGKILL');
    await once(up, 'exit');
    const doctor = await run('ssmmp', ['doctor', ...flags]);
    expect(doctor.code).to.equal(1);
    expect(doctor.out).to.match(
      /problem +state +an earlier run left the supervisor, the Manager, 3 agents, \d+ instances: `ssmmp up` with the same/,
    );
    const before = pids(stateDir);
    const other = await run('ssmmp', ['up', '--nodes', '2', ...flags]);
    expect(other.code).to.equal(1);
    expect(other.err).to.include('nodes 3, not 2').and.to.include('ssmmp down');
    const again = await Cluster.start(SUBNET, [], stateDir);
    expect(again.talk).to.match(/taking over .*the supervisor, the Manager, 3 agents, \d+ instances/);
    expect(pids(stateDir)).to.deep.equal(before);
    // it keeps them running too, though they are no children of its own
    await again.ssmmp('kill', 'agent', '2');
    await until('another agent 2 runs', () => {
      const now = pids(stateDir);
      return now['agent 2'] !== undefined && now['agent 2'] !== before['agent 2'];
    });
    again.signal('SIGKILL');
    await again.ended;
    expect((await run('ssmmp', ['down', ...flags])).out).to.match(
      /^ended the supervisor, the Manager, 3 agents, \d+ instances/,
    );
  });

  it('a lock whose owner is dead is taken over without a word', async () => {
    writeFileSync(join(stateDir, 'up.lock'), '{"pid": 4194000, "startTime": "1"}');
    const cluster = await Cluster.start(SUBNET, ['--nodes', '1'], stateDir);
    expect(cluster.talk).to.not.match(/lock/i);
    cluster.signal('SIGTERM');
    expect(await cluster.ended).to.equal(0);
  });

  it('a port that is taken is told in one sentence with who has it and what to do', async () => {
    const server = createServer();
    server.listen(8080, `${SUBNET}.12`);
    await once(server, 'listening');
    const { code, err } = await run('ssmmp', ['up', ...flags]);
    server.close();
    expect(code).to.equal(1);
    expect(err.trim().split('\n')).to.have.length(1);
    expect(err)
      .to.include(`port ${SUBNET}.12:8080, which the gateway needs, is taken by `)
      .and.to.include('--subnet 127.0.7');
    if (process.platform === 'linux') expect(err).to.include(`pid ${process.pid} (`);
    expect(leftovers(stateDir)).to.deep.equal([]);
  });

  it('problems of a graph are told line by line before anything starts', async () => {
    const graph = join(stateDir, 'graph.yaml');
    writeFileSync(graph, 'services:\n  gw: {kind: gateway, public: {u: 80}}\nedges:\n  - [gw, [p, s], nobody]\n');
    const { code, err } = await run('ssmmp', ['up', '--graph', graph, ...flags]);
    expect(code).to.equal(1);
    expect(err).to.equal(`ssmmp: ${graph}:4:5 edge names the service 'nobody', which the graph does not have\n`);
  });

  it('R16 nodes that share 127.0.0.1 differ by port and serve', async function () {
    if (!(await isFree('127.0.0.1', [55555, 55557, 55570, 55560, 55561, 8080]))) return this.skip();
    const up = await run('ssmmp', ['up', '--detach', '--shared-address', '--nodes', '2', ...flags]);
    expect(up.err).to.equal('');
    const nodes = JSON.parse(
      (await run('ssmmp', ['get', 'nodes', '-o', 'json', '--state-dir', stateDir])).out,
    ) as object[];
    expect(nodes.map((row) => ({ ...row }))).to.have.length(2);
    for (const row of nodes) expect(row).to.include({ agent_network_address: '127.0.0.1', status: 'registered' });
  });

  it('ssmmp manager and ssmmp agent run one actor each in the foreground', async () => {
    const graph = fileURLToPath(new URL('../../services/cnapp.yaml', import.meta.url));
    const repository = fileURLToPath(new URL('../../dist/repository.yaml', import.meta.url));
    const manager = spawn(process.execPath, [SSMMP, 'manager', '--graph', graph, ...flags], { stdio: 'ignore' });
    const join14 = ['--address', `${SUBNET}.14`, '--manager', `${SUBNET}.1`, '--repository', repository];
    const agent = spawn(process.execPath, [SSMMP, 'agent', ...join14, ...flags], { stdio: 'ignore' });
    await served(flags);
    expect((await run('ssmmp', ['get', 'nodes', ...flags])).out).to.match(/4 +127\.0\.47\.14 +registered/);
    expect(readdirSync(join(stateDir, 'nodes'))).to.deep.equal(['4']);
    agent.kill('SIGTERM');
    manager.kill('SIGTERM');
    expect(
      (await Promise.all([once(agent, 'exit'), once(manager, 'exit')])).map(([code]) => code as number),
    ).to.deep.equal([0, 0]);
  });
});

/** Who runs, by pid: supervisor, Manager, agents and their instances. */
function pids(stateDir: string): Record<string, number> {
  return Object.fromEntries(
    findProcesses(stateDir)
      .filter(({ role }) => role !== 'up')
      .map(({ role, node, name, pid }) => [role === 'agent' ? `agent ${node}` : name, pid]),
  );
}

async function served(flags: readonly string[]): Promise<void> {
  await until(
    'a gateway serves',
    async () => (await run('ssmmp', ['get', 'gateways', '-o', 'name', ...flags])).out !== '',
    20_000,
  );
}

/** Processes and files of a cluster that should be gone. */
function leftovers(stateDir: string): string[] {
  const files = existsSync(stateDir) ? readdirSync(stateDir).filter((name) => /lock|pid|cluster\.json/.test(name)) : [];
  return [...processesNaming(stateDir), ...processesNaming(`${SUBNET}.`), ...files];
}

async function isFree(address: string, ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    const server = createServer();
    const isListening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, address, () => resolve((server.address() as AddressInfo).port === port));
    });
    if (!isListening) return false;
    await new Promise((resolve) => server.close(resolve));
  }
  return true;
}
