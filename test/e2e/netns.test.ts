/**
 * `ssmmp up --netns`: every node in a network namespace of its own, and cuts that are real. Linux, root, ip and nft; skipped
 * elsewhere, with the reason.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkHistory } from '../../load/core/checker.ts';
import { violationText } from '../../load/core/history.ts';
import { netnsTag } from '../../operator/core/netns-plan.ts';
import { netnsProblem } from '../../operator/shell/netns.ts';
import { Cluster, run, until } from './cluster.ts';
import { OperatorPort } from './operator-port.ts';
import { storedPosts } from './stored-posts.ts';
import { Traffic } from './traffic.ts';

const SUBNET = 'fd55::';
/** Suspect after 1.5 s, replaced and serving after 7 s. */
const SUSPECT_MS = 1500;
const SERVING_MS = 7000;
/** What the machine may add when it is busy. */
const SLACK_MS = 1500;

describe('ssmmp up --netns', function () {
  this.timeout(120_000);
  const problem = netnsProblem();
  let cluster: Cluster | null = null;

  afterEach(async () => {
    if (cluster === null) return;
    const tag = netnsTag(cluster.stateDir);
    await cluster.stop();
    cluster = null;
    expect(left(tag)).to.equal('');
  });

  it('where it cannot be, one sentence says why', async function () {
    if (problem === null) this.skip();
    const { code, err } = await run('ssmmp', ['up', '--netns']);
    expect(code).to.equal(1);
    expect(err).to.match(/^ssmmp: --netns needs [^\n]+\n$/);
  });

  it('R50 a node is cut off: users see a pause at most; it is replaced, comes back, is drained, and its store writes nothing', async function () {
    if (problem !== null) {
      console.log(`      skipped: ${problem}`);
      this.skip();
    }
    const running = (cluster = await Cluster.start(SUBNET, ['--netns']));
    const operator = new OperatorPort(running.manager, running.stateDir);
    const traffic = new Traffic(
      { hosts: [running.node(1)], port: 8080 },
      { users: 6, comers: 0, uploads: 0, downloads: 0, fileBytes: 1000, thinkMs: 30 },
    );
    try {
      await traffic.start();
      for (const service of ['posts-db', 'post']) {
        const instance = await until(`${service} is on`, async () => (await operator.on(service))[0]);
        if (instance.service_instance_network_address !== running.node(2))
          await operator.command({ command: 'migrate', instance: String(instance.service_instance_id), to: '2' });
      }
      const [owner] = await operator.on('posts-db');
      const folder = join(running.stateDir, 'baas', 'posts-db');
      const oldFiles = (): string[] =>
        readdirSync(folder)
          .filter((name) => new RegExp(`^(data|log)-${owner?.service_instance_id}-`).test(name))
          .map((name) => `${name} ${readFileSync(join(folder, name)).length} bytes`);

      const cutAt = performance.now();
      expect((await running.ssmmp('fault', 'cut', '2', 'all')).code).to.equal(0);
      await nodeIs(operator, 2, 'suspect', SUSPECT_MS + SLACK_MS);
      await until('another posts-db is on', async () => {
        const rows = await operator.on('posts-db');
        return rows.some((row) => row.service_instance_id !== owner?.service_instance_id);
      });
      const afterClaim = oldFiles();
      await traffic.settled(performance.now());
      const seen = traffic.since(cutAt);
      const longest = Math.max(...seen.map(({ startMs, endMs }) => endMs - startMs));
      expect(seen.filter(({ status }) => status !== 200)).to.deep.equal([]);
      expect(longest).to.be.within(SUSPECT_MS, SERVING_MS + SLACK_MS);

      expect((await running.ssmmp('fault', 'heal', '2')).code).to.equal(0);
      await nodeIs(operator, 2, 'registered', 5000);
      await until('the old owner is gone and one is left', async () => {
        const rows = (await operator.list<{ service_name: string; status: string }>('instances')).filter(
          ({ service_name: name, status }) => name === 'posts-db' && status !== 'off',
        );
        return rows.length === 1 && rows[0]?.status === 'on';
      });
      // the new owner takes them away when it has read them
      expect(afterClaim, 'the fenced owner wrote nothing').to.include.members(oldFiles());
      await traffic.stop();
      const wrong = checkHistory(traffic.history);
      expect(wrong === null ? '' : violationText(wrong)).to.equal('');
      const stored = await storedPosts(running.stateDir);
      for (const [text, id] of traffic.posted) expect(stored.get(text), text).to.deep.equal([id]);
    } finally {
      traffic.close();
    }
  });

  it('users are cut off from one node, and nodes from each other; a killed front leaves names that down finds', async function () {
    if (problem !== null) this.skip();
    const running = (cluster = await Cluster.start(SUBNET, ['--netns', '--nodes', '2']));
    expect((await running.ssmmp('fault', 'cut', '1', 'users', '--one-way', 'to-node')).code).to.equal(0);
    expect((await running.ssmmp('fault', 'cut', '1', '2')).code).to.equal(0);
    const tag = netnsTag(running.stateDir);
    const ping = (from: number, to: string): boolean => reaches(`ssmmp-${tag}-${from}`, to);
    expect([ping(1, running.node(2)), ping(2, running.node(1)), ping(2, running.manager)]).to.deep.equal([
      false,
      false,
      true,
    ]);
    expect((await running.ssmmp('get', 'nodes', '-o', 'json')).out).to.not.match(/suspect|lost/);
    await running.ssmmp('fault', 'heal', '1');
    expect(ping(1, running.node(2))).to.equal(true);
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    expect(left(tag)).to.not.equal('');
    expect((await running.ssmmp('down')).code).to.equal(0);
    expect(left(tag)).to.equal('');
  });
});

async function nodeIs(operator: OperatorPort, node: number, status: string, withinMs: number): Promise<void> {
  await until(
    `node ${node} is ${status}`,
    async () => {
      const rows = await operator.list<{ node: number; status: string }>('nodes');
      return rows.find((row) => Number(row.node) === node)?.status === status;
    },
    withinMs,
  );
}

/** Namespaces and interfaces with this tag. */
function left(tag: string): string {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  const links = execFileSync('ip', ['-o', 'link', 'show'], { encoding: 'utf8' });
  return `${names}${links}`
    .split('\n')
    .filter((line) => line.includes(tag))
    .join('\n');
}

/** Does a TCP connection to the agent's port come about, or is it at least refused? */
function reaches(namespace: string, address: string): boolean {
  const script = `require('node:net').connect({host: '${address}', port: 55556, timeout: 500})
    .on('connect', () => process.exit(0)).on('error', (e) => process.exit(e.code === 'ECONNREFUSED' ? 0 : 1)).on('timeout', () => process.exit(1))`;
  try {
    execFileSync('ip', ['netns', 'exec', namespace, process.execPath, '-e', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // nothing came back
  }
}
