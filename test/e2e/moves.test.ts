/**
 * Instances move while users work: scale out and in, migrate every service, drain a node. Issue 3 item 5, in seconds;
 * `npm run soak` is the long form.
 */
import { expect } from 'chai';
import { checkHistory } from '../../load/core/checker.ts';
import { violationText } from '../../load/core/history.ts';
import { Cluster, until } from './cluster.ts';
import { OperatorPort } from './operator-port.ts';
import type { Done } from './plain-user.ts';
import { storedPosts } from './stored-posts.ts';
import { Traffic } from './traffic.ts';

const SUBNET = '127.0.53';
/** Longest a request may take while a stateless service, or a BaaS, moves. */
const STALL_SERVICE_MS = 1000;
const STALL_BAAS_MS = 2000;
/** After scaling out, load evens out within this. */
const SPREAD_MS = 2000;
const STATELESS = ['registration', 'login', 'post', 'table', 'file-transfer'];
const STORES = ['users-db', 'posts-db', 'file-store'];

interface SessionRow {
  readonly dest_service_name: string;
  readonly dest_service_instance_id: number;
  readonly status: string;
}

describe('moves that no user notices', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let operator: OperatorPort;
  let traffic: Traffic;
  const report: string[] = [];

  before(async () => {
    cluster = await Cluster.start(SUBNET);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
    traffic = new Traffic(
      { hosts: [1, 2, 3].map((n) => cluster.node(n)), port: 8080 },
      { users: 16, comers: 2, uploads: 2, downloads: 2, fileBytes: 2_000_000, thinkMs: 30 },
    );
    await traffic.start();
  });
  after(async () => {
    traffic.close();
    await cluster.stop();
    if (process.env['MOVES_REPORT'] !== undefined) console.log(report.join('\n'));
  });

  /** Does something to the cluster; afterwards no request has failed and none took longer than that. */
  async function during(what: string, stallMs: number, change: () => Promise<void>): Promise<void> {
    const from = performance.now();
    await change();
    const changed = performance.now();
    await traffic.settled(changed);
    await until('the users go on', () => traffic.since(changed).length > 60);
    const seen = traffic.since(from);
    const longest = seen.reduce((max, done) => (duration(done) > duration(max) ? done : max));
    const repeats = seen.filter((done) => done.repeats.length > 0);
    report.push(
      `${what}: ${Math.round(changed - from)} ms, ${seen.length} requests, longest ${tell(longest)}, sent again ${repeats.length}`,
    );
    expect(seen.filter(({ status }) => status !== 200).map(tell), `${what}: requests that failed`).to.deep.equal([]);
    expect(duration(longest), `${what}: the longest stall: ${tell(longest)}`).to.be.lessThan(stallMs);
  }

  /** Do live sessions of the gateway lead to so many instances of a service? */
  async function reached(service: string, count: number): Promise<boolean> {
    const sessions = await operator.list<SessionRow>('sessions');
    const live = sessions.filter((row) => row.dest_service_name === service && row.status === 'on');
    return new Set(live.map((row) => row.dest_service_instance_id)).size === count;
  }

  it('scale 1 → 3 → 1', async () => {
    for (const service of ['post', 'table'])
      await during(`scale ${service} to 3`, STALL_SERVICE_MS, async () => {
        await operator.command({ command: 'scale', service, replicas: 3 });
        await until(`the gateway's sessions reach three of ${service}`, () => reached(service, 3), SPREAD_MS);
      });
    for (const service of ['post', 'table'])
      await during(`scale ${service} to 1`, STALL_SERVICE_MS, async () => {
        await operator.command({ command: 'scale', service, replicas: 1 });
      });
  });

  for (const [services, stallMs] of [
    [STATELESS, STALL_SERVICE_MS],
    [STORES, STALL_BAAS_MS],
    [['api-gateway'], STALL_SERVICE_MS],
  ] as const)
    for (const service of services)
      it(`migrate ${service}`, async () => {
        const [before] = await operator.on(service);
        await during(`migrate ${service}`, stallMs, async () => {
          await operator.command({ command: 'migrate', instance: String(before?.service_instance_id) });
        });
        const [after] = await operator.on(service);
        expect(after?.service_instance_network_address).not.to.equal(before?.service_instance_network_address);
      });

  for (const node of [1, 2, 3])
    it(`drain node ${node}`, async () => {
      await during(`drain node ${node}`, STALL_BAAS_MS, async () => {
        await operator.command({ command: 'drain', node: String(node) });
      });
      const rows = await operator.on();
      expect(rows.filter((row) => row.service_instance_network_address === cluster.node(node))).to.deep.equal([]);
      expect(new Set(rows.map((row) => row.service_name)).size, 'every service is on').to.equal(9);
      await operator.command({ command: 'uncordon', node: String(node) });
    });

  it('nothing is lost, nothing is there twice, files are equal byte for byte', async () => {
    await traffic.stop();
    expect(traffic.wrongFiles).to.deep.equal([]);
    expect(traffic.files).to.be.greaterThan(4);
    expect(traffic.posted.size).to.be.greaterThan(100);
    const ids = [...traffic.posted.values()];
    expect(new Set(ids).size, 'ids are unique').to.equal(ids.length);
    const wrong = checkHistory(traffic.history);
    expect(wrong === null ? '' : violationText(wrong)).to.equal('');
    const stored = await storedPosts(cluster.stateDir);
    for (const [text, id] of traffic.posted) expect(stored.get(text), text).to.deep.equal([id]);
  });
});

function duration({ startMs, endMs }: Done): number {
  return endMs - startMs;
}

function tell(done: Done): string {
  const { type, status, said, repeats } = done;
  const again = repeats.length === 0 ? '' : `, sent again: ${repeats.slice(0, 5).join('; ')}`;
  return `${type} ${status} ${Math.round(duration(done))} ms ${said}${again}`;
}
