/** Another graph while users are served, on real processes: the specification's example and one service more. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Cluster, until } from './cluster.ts';

const SUBNET = '127.0.52';
const EXAMPLE = fileURLToPath(new URL('../../labs/graphs/abstract-example.yaml', import.meta.url));
const RELAY = fileURLToPath(new URL('../../dist/services/relay.js', import.meta.url));
const NAMES = ['A', 'B', 'service-1', 'service-2', 'service-3', 'service-4', 'service-5', 'BaaS-1', 'BaaS-2'];
/** Longest stall a user may see while a store is replaced (issue 3). */
const STALL_MS_MAX = 2000;

/** A user who sends `hop x` again and again on one connection. */
class Hopper {
  readonly answers: string[] = [];
  worstMs = 0;
  broken: string | null = null;
  private going = true;
  readonly ended: Promise<void>;

  constructor(address: string, port: number) {
    this.ended = new Promise((resolve) => {
      const socket = connect(port, address);
      let [text, sentAt] = ['', Date.now()];
      const send = (): void => {
        sentAt = Date.now();
        socket.write('hop x\n');
      };
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        text += chunk.toString();
        if (!text.endsWith('\n')) return;
        this.answers.push(text.trim().replaceAll(/\/\d+/g, ''));
        this.worstMs = Math.max(this.worstMs, Date.now() - sentAt);
        text = '';
        if (this.going) setTimeout(send, 5);
        else socket.end();
      });
      socket.on('error', (error) => (this.broken = error.message));
      socket.on('close', () => {
        if (this.going) this.broken ??= 'closed';
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.going = false;
    await this.ended;
  }
}

describe('another graph while users are served', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let folder = '';
  let port = 0;
  let file = '';
  let example = '';
  let more = '';

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-apply-'));
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const programs = NAMES.map((name) => `  ${name}: {run: [node, ${JSON.stringify(RELAY)}]}\n`).join('');
    const repository = write('repository.yaml', `services:\n${programs}`);
    example = readFileSync(EXAMPLE, 'utf8');
    port = Number(/S1: (\d+)/.exec(example)?.[1]);
    const edges = '  - [service-1, [P10, S10], service-5]\n  - [service-5, [Q6, T6], BaaS-1]\n';
    more = write('more.yaml', `${example.replace('  BaaS-1:', '  service-5: {kind: service}\n  BaaS-1:')}${edges}`);
    file = write('graph.yaml', example);
    cluster = await Cluster.start(SUBNET, ['--graph', file, '--repository', repository]);
  });
  after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  async function users(): Promise<Hopper[]> {
    const { service_instance_network_address: address } = await cluster.one('A');
    const hoppers = Array.from({ length: 4 }, () => new Hopper(address, port));
    await until('the users are served', () => hoppers.every(({ answers }) => answers.length > 0));
    return hoppers;
  }

  async function all(hoppers: readonly Hopper[], shape: (answer: string) => boolean): Promise<void> {
    await until('the users see the new graph', () => hoppers.every(({ answers }) => shape(answers.at(-1) ?? '')));
    await Promise.all(hoppers.map((hopper) => hopper.stop()));
    for (const { broken, answers, worstMs } of hoppers) {
      expect(broken).to.equal(null);
      expect(answers.filter((answer) => !answer.startsWith('A(B('))).to.deep.equal([]);
      expect(worstMs).to.be.below(STALL_MS_MAX);
    }
  }

  it('plan tells the difference and is 2; apply brings a service, a store with one socket more, and no request fails', async () => {
    const hoppers = await users();
    const plan = await cluster.ssmmp('plan', more);
    expect(plan.code, plan.err).to.equal(2);
    expect(plan.out)
      .to.include('+ edge service-5 Q6 → T6 BaaS-1')
      .and.to.match(/replace +BaaS-1\/\d+/);
    const applied = await cluster.ssmmp('apply', more);
    expect(applied.code, applied.err).to.equal(0);
    expect(applied.err).to.include('is replaced').and.to.include('service-1/');
    await all(hoppers, (answer) => answer.includes('service-5(BaaS-1)'));
    expect((await cluster.ssmmp('plan', more)).code).to.equal(0);
  });

  it('survives kill -9 of the Manager, whose file is as it was', async () => {
    await cluster.ssmmp('kill', 'manager');
    const running = 'a Manager with the applied graph';
    const { out } = await until(running, async () => {
      const ran = await cluster.ssmmp('graph', '-o', 'json');
      return ran.code === 0 ? ran : null;
    });
    expect(out).to.include('service-5');
    expect((await cluster.ssmmp('plan', more)).code).to.equal(0);
  });

  it('R38 what a graph no longer has is gone: sessions within 500 ms, the service when it has drained', async () => {
    const hoppers = await users();
    const applied = await cluster.ssmmp('apply', file);
    expect(applied.code, applied.err).to.equal(0);
    await all(hoppers, (answer) => !answer.includes('service-5'));
    expect(await cluster.instances('service-5')).to.deep.equal([]);
    const events = JSON.parse((await cluster.ssmmp('events', '-o', 'json')).out) as {
      time: string;
      text: string;
      data: { session?: string; status?: string };
    }[];
    const from = events.findLast(({ text }) => text.startsWith('operator applies'))?.time ?? '';
    const keys = events
      .filter(({ text }) => text.includes(' on: service-1/') && text.includes(' P10 '))
      .map(({ data }) => data.session);
    const closed = events.filter(
      ({ data, time }) => data.status === 'closed' && keys.includes(data.session) && time >= from,
    );
    expect(closed).to.not.deep.equal([]);
    for (const { time } of closed) expect(Date.parse(time) - Date.parse(from)).to.be.below(500);
  });

  it('a bad file is 1 with its lines and changes nothing', async () => {
    const before = (await cluster.ssmmp('graph', '-o', 'json')).out;
    const bad = join(cluster.stateDir, 'bad.yaml');
    writeFileSync(bad, example.replace('[B, [P4, S4], service-4]', '[B, [P4, S4], service-44]'));
    const { code, err } = await cluster.ssmmp('apply', bad);
    expect(code).to.equal(1);
    expect(err).to.match(/bad\.yaml:\d+:\d+ edge names the service 'service-44'/);
    expect((await cluster.ssmmp('graph', '-o', 'json')).out).to.equal(before);
  });
});
