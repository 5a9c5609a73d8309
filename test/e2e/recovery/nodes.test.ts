/**
 * A service that crashes at every start; nodes that are lost, come back, or vanish in numbers (R46, R49, R50;
 * docs/recovery.md).
 *
 * Lives here: one cluster of three nodes whose `table` can be made to crash, and users who post while nodes go.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findProcesses } from '../../../operator/shell/testbed-processes.ts';
import { Cluster, until, type InstanceRow } from '../cluster.ts';
import { OperatorPort } from '../operator-port.ts';
import { PlainUser, sleep, type Addresses, type Done } from '../plain-user.ts';
import { storedPosts } from '../stored-posts.ts';
import { Bounds } from './bounds.ts';
import { expectTranscript, happened } from './transcript.ts';

const SUBNET = '127.0.79';
const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
const SUSPECT_MS = 1500;
const REPLACED_MS = 7000;
/** The 503 of a crash-looping service: a few hops, and one session of a gateway that is asked for. */
const REFUSED_MS = 500;
const POSTERS = 4;

interface EventRow {
  readonly seq: number;
  readonly time: string;
  readonly text: string;
}

describe('recovery of services that crash, and of nodes', function () {
  this.timeout(120_000);
  const bounds = new Bounds();
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-nodes-'));
  const flag = join(folder, 'crash');
  const done: Done[] = [];
  const posted = new Map<string, string>();
  let cluster: Cluster;
  let operator: OperatorPort;
  let gateways: Addresses;
  let isPosting = true;
  let posting: Promise<unknown> = Promise.resolve();
  let crashedAt = 0;

  before(async () => {
    writeRepository(join(folder, 'repository.yaml'), flag);
    cluster = await Cluster.start(SUBNET, ['--repository', join(folder, 'repository.yaml')]);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
    gateways = { hosts: [1, 2, 3].map((n) => cluster.node(n)), port: 8080 };
    const users = Array.from(
      { length: POSTERS },
      (_, at) => new PlainUser(`poster-${at}`, gateways, (one) => void done.push(one)),
    );
    for (const user of users) await user.enter('correct horse battery');
    posting = Promise.all(users.map(post)).finally(() => users.forEach((user) => user.close()));
  });
  after(async () => {
    bounds.print();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function post(user: PlainUser): Promise<void> {
    for (let n = 0; isPosting; n += 1) {
      const text = `${user.name} says ${n}`;
      const id = await user.post(text);
      if (id !== null) posted.set(text, id);
      await sleep(20);
    }
  }

  /** Where an instance of a service runs now. */
  async function place(service: string, node: number): Promise<InstanceRow> {
    const [row] = await until(`${service} is on`, async () => nonEmpty(await operator.on(service)));
    if (row.service_instance_network_address !== cluster.node(node))
      await operator.command({ command: 'migrate', instance: String(row.service_instance_id), to: String(node) });
    return (await until(`${service} is on`, async () => nonEmpty(await operator.on(service))))[0];
  }

  async function nodeStatus(node: number): Promise<string> {
    const rows = await operator.list<{ node: number; status: string; held: string | null }>('nodes');
    const row = rows.find((one) => one.node === node);
    return `${row?.status ?? ''}${row?.held == null ? '' : ', held'}`;
  }

  async function eventAfter(seq: number, text: RegExp, deadlineMs = 10_000): Promise<EventRow> {
    const find = async (): Promise<EventRow | undefined> =>
      (await operator.list<EventRow>(`events?since=${seq}`)).find((event) => text.test(event.text));
    return until(`an event ${text.source}`, find, deadlineMs);
  }

  async function lastSeq(): Promise<number> {
    return (await operator.list<EventRow>('events')).at(-1)?.seq ?? 0;
  }

  it('R46 a service that crashes at every start: back-off, crash-looping, 503 at once with the time of the next try, others unharmed', async () => {
    const reader = new PlainUser('reader', gateways, () => undefined);
    await reader.enter('correct horse battery');
    await reader.read();
    const seq = await lastSeq();
    const from = performance.now();
    writeFileSync(flag, '');
    const { pid } = await cluster.one('table');
    crashedAt = Date.now();
    process.kill(pid, 'SIGKILL');
    const event = await eventAfter(seq, /table is crash-looping/);
    expect(event.text).to.match(/next try in \d+ ms/);
    const { out } = await cluster.ssmmp('get', 'services');
    expect(out).to.match(/^table +service +1 +0 +crash-looping$/m);
    // One request as it is answered, without the repeats that a patient user makes.
    const askedAt = Date.now();
    const refused = await once(cluster.node(1), reader.token);
    const answeredMs = Date.now() - askedAt;
    const [, line4] = / ~ Status: 503 ~ Line_3: [^~]+ ~ Line_4: (\d+)$/.exec(refused) ?? expect.fail(refused);
    // The Manager's own answer, and not the end of the gateway's ten seconds; and the Manager's next try.
    const nextTryAt = Date.parse(event.time) + Number(/next try in (\d+) ms/.exec(event.text)?.[1]);
    await bounds.check('crash-looping: the answer', answeredMs, REFUSED_MS);
    expect(Number(line4)).to.be.within(nextTryAt - askedAt - answeredMs - 10, nextTryAt - askedAt + 10);
    bounds.note(`a reader is told: ${decodeURIComponent(refused.slice(refused.indexOf('Status')))}`);
    const starts = (await operator.list<EventRow>(`events?since=${seq}`)).filter(({ text }) =>
      /^table\/\d+ planned/.test(text),
    );
    bounds.note(`${starts.length} starts in ${Math.round(Date.parse(event.time) - crashedAt)} ms until crash-looping`);
    expect(starts.length).to.be.within(4, 8);
    expectTranscript('crash-loop', await happened(cluster, crashedAt, /\btable\b/));
    const others = done.filter(({ endMs }) => endMs >= from);
    expect(others.length).to.be.greaterThan(50);
    expect(others.filter(({ status, repeats }) => status !== 200 || repeats.length > 0)).to.deep.equal([]);
    rmSync(flag);
    reader.close();
  });

  it('R46 a node is lost, with a store and a service on it: suspect after 1.5 s, replaced and serving within 7 s', async () => {
    await place('posts-db', 3);
    await place('post', 3);
    await place('api-gateway', 1);
    const seq = await lastSeq();
    const from = performance.now();
    await cluster.ssmmp('fault', 'node-off', '3');
    const gone = await eventAfter(seq, /\.13 has no connection any more/);
    const goneAt = Date.parse(gone.time);
    const lag = Date.now() - performance.now();
    const suspect = await eventAfter(seq, /\.13 registered → suspect/);
    await bounds.check('node lost: suspect', Date.parse(suspect.time) - goneAt, SUSPECT_MS);
    await eventAfter(seq, /\.13 suspect → lost/);
    const before = posted.size;
    await until('users post again', () => posted.size > before + 20, 15_000);
    const seen = done.filter(({ endMs }) => endMs >= from);
    expect(seen.filter(({ status }) => status !== 200)).to.deep.equal([]);
    const longest = Math.max(...seen.map(({ endMs, startMs }) => endMs - Math.max(startMs, goneAt - lag)));
    await bounds.check('node lost: replaced and serving', longest, REPLACED_MS);
    const about = /node 3|posts-db|post\//;
    expectTranscript('node-lost', await happened(cluster, goneAt, about));
    await cluster.ssmmp('fault', 'node-on', '3');
    await until('node 3 is back', async () => (await nodeStatus(3)) === 'registered');
  });

  it('R49 R50 a node sleeps, is replaced, wakes up: extras are ended, what the fenced store wrote counts for nothing', async () => {
    const store = await place('posts-db', 2);
    await place('post', 2);
    const asleep = findProcesses(cluster.stateDir).filter(
      ({ role, node }) => node === '2' && (role === 'agent' || role === 'instance'),
    );
    expect(asleep.length).to.be.at.least(3);
    const seq = await lastSeq();
    const before = posted.size;
    for (const { pid } of asleep) process.kill(pid, 'SIGSTOP');
    await eventAfter(seq, /\.12 suspect → lost/);
    await until('users post again', () => posted.size > before + POSTERS + 20, 15_000);
    const woken = Date.now();
    for (const { pid } of asleep) process.kill(pid, 'SIGCONT');
    await until('node 2 is back', async () => (await nodeStatus(2)) === 'registered');
    await until('extras are gone', async () => {
      const rows = await operator.list<InstanceRow>('instances');
      return rows.every(({ service_instance_id: id }) => id !== store.service_instance_id);
    });
    for (const service of ['posts-db', 'post']) expect(await operator.on(service)).to.have.length(1);
    // Writes that were under way there went to a file that nobody reads; the plugs had sent them to the new owner.
    const twice = [...(await storedPosts(cluster.stateDir))].filter(([, ids]) => ids.length > 1);
    expect(twice).to.deep.equal([]);
    expectTranscript('node-returns', await happened(cluster, woken, /node 2|posts-db|post\//));
  });

  it('R46 two of three nodes vanish: the Manager replaces nothing and says why; one returns, and it goes on', async () => {
    for (const service of ['api-gateway', 'posts-db', 'post']) await place(service, 1);
    for (const [service, node] of [
      ['login', 2],
      ['users-db', 3],
    ] as const)
      await place(service, node);
    const seq = await lastSeq();
    const at = Date.now();
    await Promise.all([cluster.ssmmp('fault', 'node-off', '2'), cluster.ssmmp('fault', 'node-off', '3')]);
    const doubt = await eventAfter(seq, /suspects itself: 2 of 3 nodes vanished/);
    await sleep(6000 - (Date.now() - Date.parse(doubt.time))); // time is the condition: lost would be after 5 s
    const since = await operator.list<EventRow>(`events?since=${seq}`);
    const did = since.map(({ text }) => text).filter((text) => /→ lost|planned → starting/.test(text));
    // table is tried again after its crashes: it was not on those nodes.
    expect(did.filter((text) => !text.startsWith('table/'))).to.deep.equal([]);
    expect(await nodeStatus(2)).to.equal('suspect, held');
    const shown = await cluster.ssmmp('get', 'nodes');
    expect(shown.err)
      .to.include('held: not replaced: the Manager suspects itself')
      .and.to.include('ssmmp confirm-lost');
    await cluster.ssmmp('fault', 'node-on', '3');
    await eventAfter(seq, /trusts itself again/);
    const confirmed = await cluster.ssmmp('confirm-lost', '2');
    // It has five seconds more, for nodes come back one after the other. The operator knows that this one does not.
    expect(confirmed.out, confirmed.err).to.match(/node 2 .* is lost/);
    await eventAfter(seq, /\.12 suspect → lost/);
    const before = posted.size;
    await until('users post again', () => posted.size > before + 20, 15_000);
    expectTranscript('vanish', await happened(cluster, at, /node [23]|suspects|trusts|login\/|users-db\//));
    await cluster.ssmmp('fault', 'node-on', '2');
    await until('node 2 is back', async () => (await nodeStatus(2)) === 'registered');
  });

  it('in the end all is as it was: every service serves, table too; every post is there once', async () => {
    isPosting = false;
    await posting;
    expect(done.filter(({ status }) => status !== 200)).to.deep.equal([]);
    await until('table is tried again and is on', async () => (await operator.on('table')).length === 1, 35_000);
    bounds.note(`table on again ${Math.round((Date.now() - crashedAt) / 1000)} s after its first crash`);
    expect((await cluster.ssmmp('get', 'services')).out).to.not.match(/starting/);
    const stored = await storedPosts(cluster.stateDir);
    for (const [text, id] of posted) expect(stored.get(text), text).to.deep.equal([id]);
  });
});

/** The built-in repository, its programs by their full paths, and `table` behind the program that crashes. */
function writeRepository(path: string, flag: string): void {
  const built = readFileSync(join(DIST, 'repository.yaml'), 'utf8');
  const crashing = fileURLToPath(new URL('./crashing.mjs', import.meta.url));
  const text = built
    .replaceAll('services/', `${join(DIST, 'services')}/`)
    .replace(/run: \[node, (\S+\/table\.js)\]/, `run: [node, ${crashing}, ${flag}, $1]`);
  writeFileSync(path, text);
}

/** One request and its answer, by a user who does not repeat. */
async function once(host: string, token: string): Promise<string> {
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 8080 });
    let text = '';
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('\n')) return;
      socket.destroy();
      resolve(text.trimEnd());
    });
    socket.write(`Type: retrieve_last_10_posts_request ~ Message_id: 1 ~ Line_1: ${encodeURIComponent(token)}\n`);
  });
}

function nonEmpty(rows: InstanceRow[]): [InstanceRow] | null {
  return rows[0] === undefined ? null : [rows[0]];
}
