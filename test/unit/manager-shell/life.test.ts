/** The Manager's life: start, restart, refusal, stop, a disk that fails; as a program, too. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ErrorBody } from '../../../manager/shell/http-replies.ts';
import type { TraceEntry } from '../../../manager/shell/history.ts';
import { StartError } from '../../../manager/shell/manager.ts';
import { lineOf, OPERATOR_PORT, Peer, PORT, SUBNET, TestManager, testOptions, until } from './cluster.ts';

describe('the Manager’s life', function () {
  this.timeout(30_000);
  let cluster: TestManager;
  beforeEach(() => (cluster = new TestManager(4)));
  afterEach(() => cluster.remove());

  const failureOf = (start: Promise<unknown>): Promise<Error> =>
    start.then(
      () => new Error('it started'),
      (error: Error) => error,
    );

  it('says ready, with its places and epoch; leaves neither lock nor pid file nor port behind', async () => {
    const { readyLine } = await cluster.start();
    expect(readyLine).to.match(
      new RegExp(`^ready Manager ${cluster.address}:${PORT} operator ${cluster.address}:${OPERATOR_PORT} epoch 1 `),
    );
    const pid = JSON.parse(readFileSync(join(cluster.stateDir, 'manager.pid'), 'utf8')) as { pid: number };
    expect(pid).to.have.all.keys('pid', 'startTime', 'folder');
    expect(pid.pid).to.equal(process.pid);
    await cluster.stop();
    expect(readdirSync(cluster.stateDir).sort()).to.deep.equal(['journal', 'operator-token']);
    await cluster.start();
  });

  it('R11 R51 comes back with its state, a higher epoch, and ids that go on upwards', async () => {
    await cluster.start();
    const agent = await cluster.agent(41);
    const before = await agent.hear('execution_request');
    const { cluster: name } = (cluster.manager as { state: { settings: { cluster: string } } }).state.settings;
    const lastConnection = cluster.manager?.state.lastConnection as number;
    await cluster.stop();
    await until(() => agent.isClosed, 'close of the agent’s connection');
    const { state, readyLine } = await cluster.start();
    expect(readyLine).to.contain('epoch 2');
    expect(state.settings.cluster).to.equal(name);
    expect([...state.instances.keys()]).to.include(Number(lineOf(before, 'service_instance_id')));
    const again = await cluster.agent(41);
    const after = await again.hear('execution_request');
    expect(lineOf(after, 'service_instance_id')).to.equal(lineOf(before, 'service_instance_id'));
    expect(Number(lineOf(after, 'message_id'))).to.be.greaterThan(Number(lineOf(before, 'message_id')));
    expect(state.lastConnection).to.be.greaterThan(lastConnection);
    const trace = (await cluster.ask('/v1/trace')).body as TraceEntry[];
    expect(trace.filter(({ message }) => message.startsWith('type: initiation_request'))).to.have.length(2);
  });

  it('R51 refuses a second Manager with the same state directory, and a port that is taken, in one sentence', async () => {
    await cluster.start();
    const second = new TestManager(5);
    try {
      const same = await failureOf(second.start({ stateDir: cluster.stateDir }));
      expect(same).to.be.instanceOf(StartError);
      expect(same.message).to.match(/^another Manager \(process \d+\) runs with .*--state-dir$/);
      const taken = await failureOf(second.start({ address: cluster.address }));
      expect(taken).to.be.instanceOf(StartError);
      expect(taken.message).to.match(/^127\.0\.50\.4:55555 is in use: .*--port/);
      const operator = await failureOf(second.start({ address: cluster.address, port: PORT + 1000 }));
      expect(operator.message).to.match(/^127\.0\.50\.4:55570 is in use: .*--operator-port/);
      const dns = await failureOf(
        second.start({ address: cluster.address, port: PORT + 1000, operatorPort: OPERATOR_PORT + 1000 }),
      );
      expect(dns.message).to.match(/^127\.0\.50\.4:55557 is in use: .*--dns-port/);
      const nowhere = await failureOf(second.start({ address: '192.0.2.1' }));
      expect(nowhere.message).to.match(/^192\.0\.2\.1 is no address of this machine/);
      expect(existsSync(join(second.stateDir, 'manager.lock'))).to.equal(false);
    } finally {
      await second.remove();
    }
  });

  it('refuses a damaged journal with the command that repairs it', async () => {
    await cluster.start();
    await cluster.agent(42);
    await cluster.stop();
    const folder = join(cluster.stateDir, 'journal');
    const path = join(folder, readdirSync(folder)[0] as string);
    const bytes = readFileSync(path);
    const second = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
    bytes[second + 20] = (bytes[second + 20] as number) ^ 1;
    writeFileSync(path, bytes);
    const refused = await failureOf(cluster.start());
    expect(refused).to.be.instanceOf(StartError);
    expect(refused.message).to.contain(path).and.contain(`--at ${second}`);
    expect(existsSync(join(cluster.stateDir, 'manager.lock'))).to.equal(false);
  });

  it('says in one sentence that the state directory cannot be used', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, fsync'), {
      code: 'ENOSPC',
      syscall: 'fsync',
    });
    const disk = {
      ...fs,
      fsyncSync: () => {
        throw full;
      },
    };
    const refused = await failureOf(cluster.start({}, disk));
    expect(refused).to.be.instanceOf(StartError);
    expect(refused.message).to.equal(
      `the Manager cannot use ${cluster.stateDir}: ENOSPC: no space left on device, fsync`,
    );
    expect(existsSync(join(cluster.stateDir, 'manager.lock'))).to.equal(false);
    await cluster.start();
  });

  it('acknowledges nothing when the journal’s disk fails, stays readable, and says why', async () => {
    let fails = false;
    const disk = {
      ...fs,
      writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
        if (fails) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        return fs.writeSync(...args);
      }) as typeof fs.writeSync,
    };
    await cluster.start({}, disk);
    const agent = await cluster.agent(43);
    fails = true;
    const late = await cluster.peer(44).catch(() => null);
    late?.say(
      `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.44 ~ service_repository: ()`,
    );
    await until(() => agent.isClosed, 'close of the agent’s connection');
    expect(late?.lines ?? []).to.deep.equal([]);
    expect(await failureOf(Peer.connect(cluster.address, `${SUBNET}.45`))).to.have.property('code', 'ECONNREFUSED');
    const ready = await cluster.ask('/readyz');
    expect(ready.status).to.equal(503);
    expect((ready.body as ErrorBody).message).to.match(/the journal's disk failed: ENOSPC/);
    expect((await cluster.ask('/v1/nodes')).status).to.equal(200);
    expect(((await cluster.ask('/v1/events')).body as unknown[]).length).to.be.greaterThan(0);
    expect((await cluster.ask('/metrics')).body as string).to.contain('ssmmp_journal_failed 1');
    const authorization = `Bearer ${cluster.token}`;
    const command = await cluster.ask('/v1/commands', {
      method: 'POST',
      body: '{"command":"shutdown"}',
      headers: { authorization },
    });
    expect([command.status, (command.body as ErrorBody).message]).to.satisfy(
      ([status, message]: [number, string]) => status === 503 && message.includes('ENOSPC'),
    );
    await cluster.stop();
    fails = false;
    const { state } = await cluster.start();
    expect([...state.agents.keys()]).to.deep.equal([`${SUBNET}.43`]);
  });

  it('answers a command when it is done', async () => {
    await cluster.start();
    const authorization = `Bearer ${cluster.token}`;
    const answer = await cluster.ask('/v1/commands', {
      method: 'POST',
      body: '{"command":"shutdown"}',
      headers: { authorization },
    });
    expect(answer.status).to.equal(200);
  });

  describe('as a program', () => {
    const main = join(import.meta.dirname, '../../../manager/main.ts');
    const graph = (): string => {
      const path = join(cluster.stateDir, '..', `${process.pid}-tiny.yaml`);
      writeFileSync(path, 'cnapp: tiny\nservices:\n  gate: {kind: gateway, public: {user-socket: 8080}}\n');
      return path;
    };

    function run(args: string[]): { child: ReturnType<typeof spawn>; out: () => string; err: () => string } {
      const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let [out, err] = ['', ''];
      child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
      return { child, out: () => out, err: () => err };
    }

    const exitOf = async (child: ReturnType<typeof spawn>): Promise<unknown> =>
      child.exitCode ?? ((await once(child, 'exit')) as unknown[])[0];

    it('prints ready, commits and exits 0 at SIGTERM, also when a second one comes', async () => {
      const { stateDir } = testOptions(cluster.address, cluster.stateDir);
      const path = graph();
      const args = ['--graph', path, '--address', cluster.address, '--state-dir', stateDir];
      try {
        const program = run(args);
        await until(() => program.out().startsWith('ready '), 'ready line', 15_000);
        const peer = await Peer.connect(cluster.address, `${SUBNET}.46`);
        peer.say(
          `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.46 ~ service_repository: ()`,
        );
        await peer.hear('initiation_response');
        const second = run(args);
        expect(await exitOf(second.child)).to.equal(1);
        expect(second.err().trim().split('\n')).to.have.length(1);
        program.child.kill('SIGTERM');
        program.child.kill('SIGTERM');
        expect(await exitOf(program.child)).to.equal(0);
        expect(readdirSync(stateDir).sort()).to.deep.equal(['journal', 'operator-token']);
        expect(
          program
            .err()
            .trim()
            .split('\n')
            .every((line) => line.startsWith('{')),
        ).to.equal(true);
        peer.socket.destroy();
        const { state } = await cluster.start();
        expect([...state.agents.keys()]).to.deep.equal([`${SUBNET}.46`]);
      } finally {
        fs.rmSync(path, { force: true });
      }
    });

    it('survives kill -9: lock and journal are taken over', async () => {
      const path = graph();
      const args = ['--graph', path, '--address', cluster.address, '--state-dir', cluster.stateDir];
      try {
        const program = run(args);
        await until(() => program.out().startsWith('ready '), 'ready line', 15_000);
        const peer = await Peer.connect(cluster.address, `${SUBNET}.47`);
        peer.say(
          `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.47 ~ service_repository: ()`,
        );
        await peer.hear('initiation_response');
        program.child.kill('SIGKILL');
        await exitOf(program.child);
        const { state, readyLine } = await cluster.start();
        expect([...state.agents.keys()]).to.deep.equal([`${SUBNET}.47`]);
        expect(readyLine).to.contain('epoch 2');
        peer.socket.destroy();
      } finally {
        fs.rmSync(path, { force: true });
      }
    });

    it('exits 64 at wrong arguments, 1 at a graph with problems, which it names by line', async () => {
      const wrong = run(['--graph', 'x.yaml']);
      expect(await exitOf(wrong.child)).to.equal(64);
      expect(wrong.err()).to.match(/^--graph, --address and --state-dir are needed\n\nusage: /);
      const path = graph();
      try {
        writeFileSync(path, 'services:\n  a: {kind: gateway}\nedges:\n  - [a, [p, s], nobody]\n');
        const bad = run(['--graph', path, '--address', cluster.address, '--state-dir', cluster.stateDir]);
        expect(await exitOf(bad.child)).to.equal(1);
        expect(bad.err()).to.contain(`${path}:4:`);
      } finally {
        fs.rmSync(path, { force: true });
      }
    });
  });
});
