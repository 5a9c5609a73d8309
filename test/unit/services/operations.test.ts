/** Operation ids: once, with the same answer, whoever sees it again, also after a crash; and what a full disk says. */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATEWAY_OPERATION_KEPT_MS, Operations } from '../../../services/store/operations.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { openMemoryStore } from '../../../services/store/memory-store.ts';
import { FakeDisk } from '../store/fake-disk.ts';
import { InMemoryApp, type ServiceName } from './in-memory-app.ts';
import type { UserClient } from './user-client.ts';

const STATELESS: ServiceName[] = ['registration', 'login', 'post', 'table', 'file-transfer', 'api-gateway'];
const OPERATION = '0f2c-operation';

describe('operation ids', () => {
  let folder: string;
  let app: InMemoryApp;
  let client: UserClient;
  let token: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-operations-'));
    app = await InMemoryApp.start({ dataDir: folder, stores: 'fake-disk' });
    client = await app.connect();
    token = await client.newUser('alice');
  });

  afterEach(async () => {
    client.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Every process is killed and started again: nothing is left but the disks. */
  async function restartAll(): Promise<void> {
    for (const name of ['users-db', 'posts-db', 'file-store'] as const) await app.restart(name);
    for (const name of STATELESS) await app.restart(name);
    client.close();
    client = await app.connect();
  }

  const post = (text: string, operationId = OPERATION) => client.ask('send_post_request', { token, text }, operationId);
  const texts = async () =>
    (await client.do('retrieve_last_10_posts_request', { token })).posts.map((shown) => shown.text);

  it('a post is posted once and answered alike, at once, later, and after a crash of everything', async () => {
    const both = await Promise.all([post('Hello'), post('Hello')]);
    expect(both[0]).to.include({ status: 200 });
    expect(both[1]).to.deep.equal(both[0]);
    await restartAll();
    expect(await post('Hello')).to.deep.equal(both[0]);
    expect(await texts()).to.deep.equal(['Hello']);
  });

  it('the same id with other content is 409, for another user it is another operation', async () => {
    await post('Hello');
    expect(await post('Other')).to.include({ status: 409 });
    const bob = await client.newUser('bob');
    const other = await client.ask('send_post_request', { token: bob, text: 'Other' }, OPERATION);
    expect(other.status).to.equal(200);
    expect(await texts()).to.deep.equal(['Other', 'Hello']);
  });

  it('an id is kept for 24 hours', async () => {
    const first = await post('Hello');
    app.nowMs += 24 * 3600 * 1000 - 1;
    token = (await client.do('login_request', { user: 'alice', password: 'a good password' })).token;
    expect(await post('Hello')).to.deep.equal(first);
    app.nowMs += 1;
    expect(await post('Hello')).to.not.deep.equal(first);
  });

  it('the user is one, however his name is typed', async () => {
    const first = await post('Hello');
    const { postId } = first as unknown as { postId: string };
    const rest = ` ~ User: ALICE ~ Operation_id: ${OPERATION} ~ Text: Hello`;
    const again = await app.request('posts-db', 'posts-socket', 'append_post_request', rest);
    expect(again.rest).to.equal(` ~ Status: 200 ~ Line_3: ${postId}`);
  });

  it('without an id the gateway makes one that no user can send and no other gateway makes', async () => {
    const seen: string[] = [];
    app.intercept = (service, request) => {
      if (service === 'posts-db') seen.push(/Operation_id: (\S+)/.exec(request.rest)?.[1] ?? '');
      return null;
    };
    const port = await app.secondGateway();
    const second = await app.connect(port);
    await Promise.all([client, second].map((user) => user.do('send_post_request', { token, text: 'x' })));
    await app.restart('api-gateway');
    client = await app.connect();
    await client.do('send_post_request', { token, text: 'x' });
    second.close();
    expect(new Set(seen).size).to.equal(3);
    for (const id of seen) expect(id).to.match(/^gw\./);
  });

  it('a registration is answered alike, and another password under its id is 409', async () => {
    const register = (user: string, password: string) =>
      client.ask('registration_request', { user, password }, OPERATION);
    expect(await register('bob', 'password 1')).to.include({ status: 200 });
    await restartAll();
    expect(await register('BOB', 'password 1')).to.include({ status: 200 });
    expect(await register('bob', 'password 2')).to.include({ status: 409 });
    const again = await client.ask('registration_request', { user: 'bob', password: 'password 1' }, 'another-id');
    expect(again).to.include({ status: 409 });
  });

  it('a logout is answered alike, though its token does not hold any more', async () => {
    expect(await client.ask('logout_request', { token }, OPERATION)).to.include({ status: 200 });
    await restartAll();
    expect(await client.ask('logout_request', { token }, OPERATION)).to.include({ status: 200 });
    expect(await client.ask('logout_request', { token }, 'another-id')).to.include({ status: 401 });
    expect(await client.ask('logout_request', { token })).to.include({ status: 401 });
  });

  it('begin and end of an upload are answered alike', async () => {
    const bytes = Buffer.from('x');
    const sum = createHash('sha256').update(bytes).digest('hex');
    const begin = (name: string, id: string) =>
      client.ask('send_file_begin_request', { token, name, size: 1, sha256: sum }, id);
    const first = await client.do('send_file_begin_request', { token, name: 'a', size: 1, sha256: sum }, OPERATION);
    expect(await begin('a', OPERATION)).to.include({ ...first });
    expect(await begin('b', OPERATION)).to.include({ status: 409 });
    const { uploadId } = first;
    await client.do('send_file_chunk_request', { token, uploadId, offset: 0, data: 'eA==' });
    expect(await client.ask('send_file_end_request', { token, uploadId }, 'the-end-1')).to.include({ name: 'a' });
    expect(await client.ask('send_file_end_request', { token, uploadId }, 'the-end-1')).to.include({ name: 'a' });
    expect(await begin('a', OPERATION), 'nothing is left to be sent').to.include({ uploadId, offset: 1 });
    expect(await client.ask('send_file_end_request', { token, uploadId: 'other' }, 'the-end-1')).to.include({
      status: 409,
    });
  });

  it('is ignored, even unreadable, on login and reads', async () => {
    await post('Hello');
    const read = await client.raw('retrieve_last_10_posts_request', ` ~ Operation_id: x ~ Line_1: ${token}`);
    expect(read.rest).to.match(/Status: 200/);
    const login = ` ~ Operation_id: x ~ Line_1: alice ~ Line_2: a good password`;
    expect((await client.raw('login_request', login)).rest).to.match(/Status: 200/);
  });
});

describe('a store whose disk is full', () => {
  let folder: string;
  let app: InMemoryApp;
  let client: UserClient;
  let token: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-full-'));
    app = await InMemoryApp.start({ dataDir: folder, stores: 'fake-disk' });
    client = await app.connect();
    token = await client.newUser('alice');
    await client.do('send_post_request', { token, text: 'before' });
  });

  afterEach(async () => {
    client.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers 503 with a sentence that says so and when to try again; reading goes on; nothing is torn', async () => {
    for (const disk of app.disks.values()) disk.fault = () => ({ code: 'ENOSPC', kept: 0.5 });
    const refused = await client.ask('send_post_request', { token, text: 'lost' }, 'operation-1');
    expect(refused).to.include({ ok: false, status: 503, data: '2000' });
    expect(refused)
      .to.have.property('message')
      .that.matches(/disk of posts-db is full/);
    const registration = await client.ask('registration_request', { user: 'bob', password: 'a good password' });
    expect(registration)
      .to.have.property('message')
      .that.matches(/disk of users-db is full/);
    const file = { token, name: 'a', size: 1, sha256: '0'.repeat(64) };
    const begun = await client.ask('send_file_begin_request', file);
    expect(begun)
      .to.have.property('message')
      .that.matches(/disk of file-store is full/);
    expect(await client.ask('logout_request', { token })).to.include({ status: 503 });
    const read = async () =>
      (await client.do('retrieve_last_10_posts_request', { token })).posts.map((shown) => shown.text);
    expect(await read()).to.deep.equal(['before']);
    expect(await client.ask('list_files_request', { token, after: '' })).to.include({ status: 200 });
    await client.do('login_request', { user: 'alice', password: 'a good password' });
    for (const disk of app.disks.values()) disk.fault = () => null;
    await client.do('send_post_request', { token, text: 'after' }, 'operation-1');
    await client.do('registration_request', { user: 'bob', password: 'a good password' });
    expect(await read()).to.deep.equal(['after', 'before']);
    for (const name of ['users-db', 'posts-db', 'file-store'] as const) await app.restart(name);
    expect(await read()).to.deep.equal(['after', 'before']);
  });
});

describe('Operations', () => {
  const operation = (operationId: string) => ({ user: 'alice', operationId, content: 'c' });
  const decision = (answer: string) => () => ({ changes: [], answer });

  it('forgets the oldest answers, two with every new one, and never more than it must', async () => {
    let now = 0;
    const store = openMemoryStore();
    const operations = new Operations(store, 'a-db', () => now, 3);
    for (let i = 0; i < 6; i += 1) await operations.once(operation(`operation-${i}`), decision(String(i)));
    expect([...store.table('operations').keys()]).to.deep.equal([3, 4, 5].map((i) => `alice operation-${i}`));
    for (let i = 0; i < 3; i += 1) await operations.once(operation(`gw.1.${i}`), decision(String(i)));
    now += GATEWAY_OPERATION_KEPT_MS;
    await operations.once(operation('gw.1.9'), decision('9'));
    expect(store.table('gateway_operations').size).to.equal(2);
    expect(store.table('operations').size).to.equal(3);
  });

  it('refuses because of what it saw only when that is on disk', async () => {
    const disk = new FakeDisk();
    const store = await openLowdbStore({ disk, epoch: 1 });
    const operations = new Operations(store, 'a-db', () => 0);
    disk.fault = (step) => (step.op === 'append' ? { code: 'EIO' } : null);
    const taken = () => ({ refusal: 'the name is taken' });
    const first = operations.once(operation('operation-1'), decision('done'));
    const second = operations.once(operation('operation-2'), taken);
    for (const answer of await Promise.all([first, second])) expect(answer).to.match(/Status: 503/);
    expect(await operations.once(operation('operation-2'), taken)).to.equal('the name is taken');
  });

  it('answers what it remembers only when it is on disk', async () => {
    const disk = new FakeDisk();
    const store = await openLowdbStore({ disk, epoch: 1 });
    const operations = new Operations(store, 'a-db', () => 0);
    disk.fault = (step) => (step.op === 'append' ? { code: 'EIO' } : null);
    const answers = await Promise.all([1, 2].map(() => operations.once(operation('operation-1'), decision('done'))));
    for (const answer of answers) expect(answer).to.match(/Status: 503 ~ Line_3: The disk of a-db failed/);
  });
});
