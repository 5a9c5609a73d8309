/**
 * Instances that are killed, and instances that hang: what users see of it (R30, R34, R45, R46; docs/recovery.md).
 *
 * Lives here: one cluster, each of the nine services killed when nobody works and when many do, uploads under way; a
 * service and a store that hang; and at the end the short form of `npm run soak -- kills`.
 */
import { expect } from 'chai';
import { KILL_KINDS, killAtRandom } from '../../soak/kills.ts';
import { duration, tell, Verdict } from '../../soak/verdict.ts';
import { Cluster, until, type InstanceRow } from '../cluster.ts';
import { OperatorPort } from '../operator-port.ts';
import { PlainUser, type Addresses, type Done } from '../plain-user.ts';
import { Traffic } from '../traffic.ts';
import { Bounds } from './bounds.ts';
import { expectTranscript, happened } from './transcript.ts';

const SUBNET = '127.0.78';
const SERVICE_MS = 500;
const STORE_MS = 1000;
const HANG_MS = 4000;
const STORES = ['users-db', 'posts-db', 'file-store'];
/** Every service, with a request that it has a part in; no password is hashed in it where that can be. */
const PROBES: Readonly<Record<string, (user: PlainUser) => Promise<unknown>>> = {
  post: (user) => user.request('send_post_request', user.token, `probe ${Date.now()}`),
  table: (user) => user.request('retrieve_last_10_posts_request', user.token),
  'file-transfer': (user) => user.request('list_files_request', user.token, ''),
  registration: (user) => user.request('registration_request', `new-${Date.now()}`, 'correct horse battery'),
  'posts-db': (user) => user.request('retrieve_last_10_posts_request', user.token),
  'file-store': (user) => user.request('list_files_request', user.token, ''),
  'api-gateway': (user) => user.request('list_files_request', user.token, ''),
  login: (user) => user.request('logout_request', user.token),
  'users-db': (user) => user.request('logout_request', user.token),
};
/** A soak of half a minute in which everything is killed once. */
const SOAK = { everyMs: 2500, kinds: ['instance', 'agent', 'manager', 'node', 'instance', 'node-away'] } as const;

describe('recovery of instances', function () {
  this.timeout(120_000);
  const bounds = new Bounds();
  const asked: Done[] = [];
  let cluster: Cluster;
  let operator: OperatorPort;
  let gateways: Addresses;
  let traffic: Traffic | null = null;

  before(async () => {
    cluster = await Cluster.start(SUBNET);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
    gateways = { hosts: [1, 2, 3].map((n) => cluster.node(n)), port: 8080 };
  });
  after(async () => {
    bounds.print();
    traffic?.close();
    await cluster.stop();
  });

  it('R30 R46 each of the nine killed, idle: the next request is served within 500 ms, a store’s within 1 s', async () => {
    const user = new PlainUser('prober', gateways, (done) => void asked.push(done));
    await user.enter('correct horse battery');
    for (const [service, probe] of Object.entries(PROBES)) {
      // Whatever is started on demand runs, and its sessions stand; who logs out comes in again first.
      const isLogout = service === 'login' || service === 'users-db';
      await (isLogout ? user.enter('correct horse battery') : probe(user));
      const victim = await cluster.one(service);
      const at = Date.now();
      process.kill(victim.pid, 'SIGKILL');
      await probe(user);
      const last = asked.at(-1) as Done;
      expect(last.status, `${service}: ${tell(last)}`).to.equal(200);
      await bounds.check(`${service} killed, idle`, duration(last), boundOf(service));
      if (service === 'post' || service === 'posts-db') {
        await until('the new one is on', async () => (await operator.on(service)).length === 1);
        expectTranscript(`${service}-killed`, await happened(cluster, at, new RegExp(`${service}/`)));
      }
    }
    user.close();
  });

  it('R30 R46 each of the nine killed under load, uploads under way: no request fails, none waits longer', async () => {
    traffic = new Traffic(gateways, {
      users: 8,
      comers: 2,
      uploads: 2,
      downloads: 1,
      fileBytes: 2_000_000,
      thinkMs: 30,
    });
    await traffic.start();
    for (const service of Object.keys(PROBES)) {
      const work = traffic;
      const [victim] = await until('it runs', async () => nonEmpty(await operator.on(service)));
      await until('chunks are on their way', () => work.done.at(-1)?.type === 'send_file_chunk_request');
      const from = performance.now();
      process.kill(victim.pid, 'SIGKILL');
      await until('another one is on', async () => (await operator.on(service)).some(({ pid }) => pid !== victim.pid));
      const isOn = performance.now();
      await traffic.settled(isOn);
      await until('the users go on', () => work.since(isOn).length > 40);
      const seen = traffic.since(from);
      expect(seen.filter(({ status }) => status !== 200).map(tell)).to.deep.equal([]);
      const longest = seen.reduce((most, done) => (duration(done) > duration(most) ? done : most));
      await bounds.check(`${service} killed, under load`, duration(longest), boundOf(service));
    }
  });

  it('R45 a service and a store hang: killed after three misses, served again within 4 s; who wakes up is dead', async () => {
    const work = traffic as Traffic;
    const sleepers = [(await operator.on('post'))[0], (await operator.on('file-store'))[0]] as InstanceRow[];
    const at = Date.now();
    const from = performance.now();
    for (const { pid } of sleepers) process.kill(pid, 'SIGSTOP');
    await until('both are replaced', async () => {
      const rows = await operator.list<InstanceRow>('instances');
      const isGone = ({ service_instance_id: id }: InstanceRow): boolean =>
        rows.every((row) => row.service_instance_id !== id);
      return sleepers.every(isGone);
    });
    await work.settled(performance.now());
    await until('the users go on', () => work.since(performance.now() - 500).length > 20);
    const seen = work.since(from);
    expect(seen.filter(({ status }) => status !== 200).map(tell)).to.deep.equal([]);
    const longest = seen.reduce((most, done) => (duration(done) > duration(most) ? done : most));
    await bounds.check('post and file-store hang, under load', duration(longest), HANG_MS);
    // A stopped process dies of SIGKILL without waking up: CONT finds nobody, so there is nobody who could write.
    for (const { pid } of sleepers) expect(() => process.kill(pid, 'SIGCONT')).to.throw(/ESRCH/);
    expectTranscript('post-hangs', await happened(cluster, at, /post\//));
  });

  it('everything is killed once, at random, while users work: nothing is lost, nothing is there twice', async () => {
    const work = traffic as Traffic;
    const lines: string[] = [];
    const verdict = new Verdict((line) => void lines.push(line));
    verdict.judge(work, 'before', 'before', Infinity);
    const plan = { ...SOAK, seconds: 60, seed: 4, isStopped: () => false };
    const counts = await killAtRandom(cluster, work, plan, verdict);
    await work.stop();
    await verdict.checkData(work, cluster.stateDir);
    bounds.note(`killed ${JSON.stringify(counts)}: ${verdict.countsText(work)}`);
    expect(Object.keys(counts)).to.have.members([...KILL_KINDS]);
    expect(verdict.complaints, lines.join('\n')).to.deep.equal([]);
    expect(work.posted.size).to.be.greaterThan(300);
    expect(work.files).to.be.greaterThan(4);
  });
});

function boundOf(service: string): number {
  return STORES.includes(service) ? STORE_MS : SERVICE_MS;
}

function nonEmpty(rows: InstanceRow[]): [InstanceRow] | null {
  return rows[0] === undefined ? null : [rows[0]];
}
