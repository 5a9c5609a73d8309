/**
 * R50 A store that hangs, is replaced and wakes up again: it can acknowledge nothing, nothing of it lands in the data, and
 * users notice no more than the wait until the node counted as lost.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Cluster, until, type InstanceRow } from './cluster.ts';
import { Stranger } from './hostile.ts';
import { OperatorPort } from './operator-port.ts';
import { PlainUser, sleep, type Done } from './plain-user.ts';
import { storedPosts } from './stored-posts.ts';

const SUBNET = '127.0.56';
/** A node is lost after 5 s; then its stores are started elsewhere. */
const REPLACED_MS = 25_000;

describe('a store that hangs and is replaced', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let operator: OperatorPort;
  let user: PlainUser;
  let store: InstanceRow;
  let gateway: InstanceRow;
  const done: Done[] = [];
  const posted = new Map<string, string>();
  let working = true;
  let work: Promise<void> = Promise.resolve();

  before(async () => {
    cluster = await Cluster.start(SUBNET);
    operator = new OperatorPort(cluster.manager, cluster.stateDir);
    gateway = await cluster.one('api-gateway');
    user = new PlainUser('witness', { hosts: [gateway.service_instance_network_address], port: 8080 }, (one) =>
      done.push(one),
    );
    await user.enter('a quiet password');
    await user.post('the first one');
    work = (async () => {
      while (working) {
        const text = `post ${posted.size}`;
        const id = await user.post(text);
        if (id !== null) posted.set(id, text);
        await sleep(20);
      }
    })();
  });
  after(async () => {
    working = false;
    await work;
    user.close();
    await cluster.stop();
  });

  const nodeOf = ({ service_instance_network_address }: InstanceRow): string => service_instance_network_address;
  const agent = async (row: InstanceRow, signal: 'STOP' | 'CONT'): Promise<void> => {
    const { code, err } = await cluster.ssmmp('kill', 'agent', nodeOf(row), '--signal', signal);
    expect(code, err).to.equal(0);
  };
  /** The user's gateway shall not be on the node that hangs: nothing there could get a session. */
  const awayFromUsers = async (): Promise<InstanceRow> => {
    const row = await cluster.one('posts-db');
    if (nodeOf(row) !== nodeOf(gateway)) return row;
    const { code, err } = await cluster.ssmmp('migrate', String(row.service_instance_id));
    expect(code, err).to.equal(0);
    return cluster.one('posts-db');
  };
  const replaced = (old: InstanceRow): Promise<InstanceRow> =>
    until(
      'another posts-db is on',
      async () =>
        (await operator.on('posts-db')).find((row) => row.service_instance_id !== old.service_instance_id) ?? null,
      REPLACED_MS,
    );
  /** Ended, though its parent, which hangs, has not noticed. */
  const gone = (row: InstanceRow): Promise<boolean> =>
    until(`process ${row.pid} ends`, () => {
      try {
        return /^State:\s+Z/m.test(readFileSync(`/proc/${row.pid}/status`, 'utf8'));
      } catch {
        return true;
      }
    });
  const append = (id: number, text: string): string =>
    `Type: append_post_request ~ Message_id: ${id} ~ User: witness ~ Operation_id: 0123456789-${id} ~ Text: ${text}\n`;

  it('R50 the old owner wakes up with a write in its hands: no 200, and it ends', async () => {
    store = await awayFromUsers();
    const raw = await Stranger.open(nodeOf(store), store.sockets[0]?.port ?? 0);
    raw.write(append(1, 'before'));
    await raw.hears(/^Type: append_post_response ~ Message_id: 1 ~ Status: 200/);
    await agent(store, 'STOP');
    process.kill(store.pid, 'SIGSTOP');
    raw.write(append(2, 'too late'));
    const old = store;
    store = await replaced(old);
    const seen = posted.size;
    await until('users are served by the new owner', () => posted.size > seen + 5);
    process.kill(old.pid, 'SIGCONT');
    await raw.closed('the session with the old owner', 5000);
    expect(raw.received).to.not.match(/Message_id: 2 ~ Status: 200/);
    await gone(old);
    await agent(old, 'CONT');
  });

  it('R50 an owner that runs on while only its agent hangs is replaced too; its callers move on', async () => {
    await until('all nodes are back', async () =>
      (await operator.list<{ status: string }>('nodes')).every(({ status }) => status === 'registered'),
    );
    const old = await awayFromUsers();
    const raw = await Stranger.open(nodeOf(old), old.sockets[0]?.port ?? 0);
    await agent(old, 'STOP');
    store = await replaced(old);
    raw.write(append(3, 'too late as well'));
    await raw.closed('the session with the old owner', 5000);
    expect(raw.received).to.equal('');
    await gone(old);
    const seen = posted.size;
    await until('users are served by the new owner', () => posted.size > seen + 5);
    await agent(old, 'CONT');
  });

  it('nothing of it is in the data, everything acknowledged is, and users were told of no failure', async () => {
    working = false;
    await work;
    expect(done.filter(({ status }) => status !== 200)).to.deep.equal([]);
    expect(done.flatMap(({ repeats }) => repeats)).to.deep.equal([]);
    // Once more from the disk alone.
    await cluster.ssmmp('kill', 'instance', String(store.service_instance_id));
    const posts = await user.read();
    expect(posts?.map(({ text }) => text)).to.not.include.members(['too late', 'too late as well']);
    const stored = await storedPosts(cluster.stateDir);
    for (const [id, text] of posted) expect(stored.get(text), text).to.deep.equal([id]);
    expect(stored.has('before')).to.equal(true);
    for (const text of ['too late', 'too late as well']) expect(stored.has(text), text).to.equal(false);
  });
});
