/** An instance as a process: arguments, warm spare, signals, exit codes, recording. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { instanceMachine } from '../../../services/kit/core/step.ts';
import { recoverJournal } from '../../../ssmmp/shell/journal-recovery.ts';
import { FakeAgent } from '../../unit/kit/fake-agent.ts';
import { LineClient } from './line-client.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const ADDRESS = '127.0.49.41';
const AGENT_PORT = 55557;
const PORT = 54001;
/** A start under tsx, on a busy machine. */
const START_MS = 20_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

describe('pair: an instance as a process', function () {
  this.timeout(60_000);
  let agent: FakeAgent;
  const children: ChildProcess[] = [];

  before(async () => {
    agent = await FakeAgent.listen(ADDRESS, AGENT_PORT);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await agent.close();
  });

  function start(
    program: string,
    args: readonly string[],
    stdin: 'ignore' | 'pipe',
    env: Record<string, string> = {},
  ): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
      cwd: ROOT,
      stdio: [stdin, 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', SSMMP_AGENT_PORT: String(AGENT_PORT), ...env },
    });
    children.push(child);
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))) };
  }

  const RELAY = 'services/relay/main.ts';
  const role = (id: number): string[] => ['relay-x', String(id), ADDRESS, `S, ${PORT + id}`, ''];

  async function answers(id: number): Promise<void> {
    const user = await LineClient.connect(ADDRESS, PORT + id);
    user.write('hop x\n');
    expect(await user.line()).to.equal(`relay-x/${id}`);
    user.destroy();
  }

  it('R16 finds its agent at its own address and SSMMP_AGENT_PORT, serves under any name, ends on SIGTERM with 0', async () => {
    const { child, ended } = start(RELAY, role(1), 'ignore');
    const link = await agent.accept(START_MS);
    expect(await link.next('service_instance_health_response')).to.include({ message_id: 1, service_instance_id: 1 });
    await answers(1);
    child.kill('SIGTERM');
    await link.next('service_instance_termination_info');
    const { code, out } = await ended;
    expect(code).to.equal(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).to.include({ level: 30, service: 'relay-x', instance: 1 });
  });

  it('a warm spare waits for its role on stdin and then is that instance', async () => {
    const { child, ended } = start(RELAY, [], 'pipe');
    child.stdin?.write(`${JSON.stringify(role(2))}\n`);
    const link = await agent.accept(START_MS);
    expect(await link.next('service_instance_health_response')).to.include({ service_instance_id: 2 });
    await answers(2);
    link.send({
      type: 'graceful_shutdown_request',
      message_id: 30001,
      sub_type: 'agent_to_service_instance',
      service_name: 'relay-x',
      service_instance_id: 2,
    });
    await link.next('graceful_shutdown_response');
    expect((await ended).code).to.equal(0);
  });

  it('a warm spare that is never needed ends with 0 when its agent is gone', async () => {
    const { child, ended } = start(RELAY, [], 'pipe');
    child.stdin?.end();
    expect((await ended).code).to.equal(0);
  });

  it('wrong arguments: says what is expected, exit code 64', async () => {
    const [none, few, bad] = await Promise.all([
      start(RELAY, [], 'ignore').ended,
      start(RELAY, ['relay-x', '1'], 'ignore').ended,
      (() => {
        const { child, ended } = start(RELAY, [], 'pipe');
        child.stdin?.write('not json\n');
        return ended;
      })(),
    ]);
    for (const { code, err } of [none, few, bad]) {
      expect(code).to.equal(64);
      expect(err).to.contain('service_name service_instance_id service_instance_network_address socket_configuration');
    }
    expect(none.err).to.match(/^no arguments/);
    expect(few.err).to.match(/^expected 5 arguments .*got 2/);
    expect(bad.err).to.match(/^stdin: expected one JSON line/);
  });

  it('a port that is taken, a socket the service does not know: exit code 1, and the log says why', async () => {
    const taken = await FakeAgent.listen(ADDRESS, PORT + 3);
    const { code, out } = await start(RELAY, role(3), 'ignore').ended;
    await taken.close();
    expect(code).to.equal(1);
    expect(out).to.contain('EADDRINUSE').and.to.contain('the service could not start');
  });

  it('a rejection that nobody handles is logged and ends the process with 1', async () => {
    const { ended } = start('test/pairs/kit/programs/rejecting.ts', role(5), 'ignore');
    let link = await agent.accept(START_MS);
    while (link.closed) link = await agent.accept(START_MS);
    await link.next('service_instance_health_response');
    const user = await LineClient.connect(ADDRESS, PORT + 5);
    user.write('Type: x_request ~ Message_id: 1\n');
    const { code, out } = await ended;
    user.destroy();
    expect(code).to.equal(1);
    expect(out).to.contain('"unhandled rejection"').and.to.contain('a bug nobody awaits');
  });

  it('records its machine’s steps where it is asked to; they replay to the letter', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kit-record-'));
    try {
      const { child, ended } = start(RELAY, role(4), 'ignore', { SSMMP_RECORD_DIR: folder });
      let link = await agent.accept(START_MS);
      // Those that could not start have connected too.
      while (link.closed) link = await agent.accept(START_MS);
      await link.next('service_instance_health_response');
      await answers(4);
      child.kill('SIGTERM');
      expect((await ended).code).to.equal(0);
      const [own = ''] = readdirSync(folder);
      expect(own).to.match(/^relay-x-4-\d+$/);
      const recovery = recoverJournal(instanceMachine, { folder: join(folder, own), disk: fs, verify: true });
      if (!recovery.ok) throw new Error(recovery.problem);
      expect(recovery.warnings).to.deep.equal([]);
      expect(recovery.replayed).to.be.above(4);
      expect(recovery.state?.ending?.phase).to.equal('over');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
