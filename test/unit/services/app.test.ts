/** The CNApp as a user sees it: every request of cnapp.md, its limits and its statuses. */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryApp } from './in-memory-app.ts';
import type { UserClient } from './user-client.ts';

const PASSWORD = 'a good password';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('the CNApp, as a user sees it', () => {
  let folder: string;
  let app: InMemoryApp;
  let client: UserClient;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-app-'));
    app = await InMemoryApp.start({ dataDir: folder });
    client = await app.connect();
  });

  afterEach(async () => {
    client.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;

  it('registers, logs in, posts, reads, sends and gets a file, logs out', async () => {
    const token = await client.newUser('Alice');
    const { postId } = await client.do('send_post_request', { token, text: 'Hello' });
    const { posts } = await client.do('retrieve_last_10_posts_request', { token });
    const time = new Date(app.nowMs).toISOString();
    expect(posts).to.deep.equal([{ post_id: postId, user: 'Alice', time, text: 'Hello' }]);

    const bytes = Buffer.from('some bytes');
    const begun = { token, name: 'a.txt', size: bytes.length, sha256: sha256(bytes) };
    const { uploadId, offset } = await client.do('send_file_begin_request', begun);
    expect(offset).to.equal(0);
    const data = bytes.toString('base64');
    const { nextOffset } = await client.do('send_file_chunk_request', { token, uploadId, offset, data });
    expect(nextOffset).to.equal(bytes.length);
    expect((await client.do('send_file_end_request', { token, uploadId })).name).to.equal('a.txt');
    const got = await client.do('get_file_request', { token, name: 'a.txt', offset: 0, mostBytes: 100 });
    expect(got).to.include({ data, nextOffset: bytes.length, size: bytes.length, sha256: sha256(bytes) });
    const { files } = await client.do('list_files_request', { token, after: '' });
    expect(files).to.deep.equal([{ name: 'a.txt', size: bytes.length, time }]);

    await client.do('logout_request', { token });
    expect(await statusOf(client.ask('retrieve_last_10_posts_request', { token }))).to.equal(401);
  });

  it('keeps the last ten posts of all users, newest first, whatever they hold', async () => {
    const alice = await client.newUser('alice');
    const bob = await client.newUser('bob');
    const texts = [
      'first, gone',
      'a ~ b, c: d ~ Line_2: e',
      'line\nbreak\r\n\ttab',
      '\u001b[31mred\u001b[0m \u0007 \u0000',
      ' spaces at both ends ',
      '\u{1f600} äöü 漢字 \u202e',
      '%41 100% %zz',
      '~',
      ',',
      "'; DROP TABLE users; --",
      '{"__proto__":1}',
    ];
    for (const [at, text] of texts.entries()) {
      await client.do('send_post_request', { token: at % 2 === 0 ? alice : bob, text });
    }
    const { posts } = await client.do('retrieve_last_10_posts_request', { token: bob });
    expect(posts.map((post) => post.text)).to.deep.equal(texts.slice(1).reverse());
    expect(posts.map((post) => post.user)).to.deep.equal(
      texts
        .slice(1)
        .map((_, at) => (at % 2 === 0 ? 'bob' : 'alice'))
        .reverse(),
    );
  });

  it('holds user names and passwords to their limits', async () => {
    const register = (user: string, password = PASSWORD) =>
      statusOf(client.ask('registration_request', { user, password }));
    for (const user of ['ab', 'a'.repeat(33), 'a b', 'ä12', '', 'a/b', 'a~b', 'a,b', 'abc\n']) {
      expect(await register(user), user).to.equal(400);
    }
    for (const user of ['abc', 'a'.repeat(32), '__proto__', 'constructor', '...', 'A_b.c-9']) {
      expect(await register(user), user).to.equal(200);
    }
    expect(await register('ABC'), 'compared without case').to.equal(409);
    expect(await register('password7', '1234567')).to.equal(400);
    expect(await register('password8', '12345678')).to.equal(200);
    expect(await register('password128', '\u{1f600}'.repeat(128))).to.equal(200);
    expect(await register('password129', 'x'.repeat(129))).to.equal(400);
    expect(
      (await client.do('login_request', { user: 'PassWord128', password: '\u{1f600}'.repeat(128) })).token,
    ).to.match(/\.password128$/);
  });

  it('answers unknown user and wrong password alike: 401', async () => {
    await client.newUser('alice');
    const wrong = await client.ask('login_request', { user: 'alice', password: 'wrong' });
    const unknown = await client.ask('login_request', { user: 'nobody', password: 'wrong' });
    const impossible = await client.ask('login_request', { user: 'no body', password: '' });
    expect(wrong).to.include({ ok: false, status: 401 });
    expect(unknown).to.deep.equal(wrong);
    expect(impossible).to.deep.equal(wrong);
  });

  it('answers 401 to every request without a good token', async () => {
    const good = await client.newUser('alice');
    const [signature, ...body] = good.split('.');
    const flipped = signature!.startsWith('A') ? `B${signature!.slice(1)}` : `A${signature!.slice(1)}`;
    const tokens = ['', 'x', `${flipped}.${body.join('.')}`, good.replace('alice', 'bobby'), `${good}x`];
    for (const token of tokens) {
      const all = [
        client.ask('logout_request', { token }),
        client.ask('send_post_request', { token, text: 'x' }),
        client.ask('retrieve_last_10_posts_request', { token }),
        client.ask('send_file_begin_request', { token, name: 'a', size: 1, sha256: '0'.repeat(64) }),
        client.ask('send_file_chunk_request', { token, uploadId: 'x', offset: 0, data: 'AAAA' }),
        client.ask('send_file_end_request', { token, uploadId: 'x' }),
        client.ask('get_file_request', { token, name: 'a', offset: 0, mostBytes: 1 }),
        client.ask('list_files_request', { token, after: '' }),
      ];
      for (const answer of await Promise.all(all)) expect(answer.status, token).to.equal(401);
    }
    app.nowMs += 12 * 3600 * 1000 + 1;
    expect(await statusOf(client.ask('retrieve_last_10_posts_request', { token: good }))).to.equal(401);
  });

  it('holds posts to 1 to 4,096 bytes of UTF-8', async () => {
    const token = await client.newUser('alice');
    const post = (text: string) => statusOf(client.ask('send_post_request', { token, text }));
    expect(await post('')).to.equal(400);
    expect(await post('x'.repeat(4096))).to.equal(200);
    expect(await post('x'.repeat(4097))).to.equal(413);
    expect(await post('\u{1f600}'.repeat(1024))).to.equal(200);
    expect(await post('\u{1f600}'.repeat(1025))).to.equal(413);
    for (let i = 0; i < 9; i += 1) expect(await post('\u{1f600}'.repeat(1024))).to.equal(200);
    const { posts } = await client.do('retrieve_last_10_posts_request', { token });
    expect(posts.length, 'ten of the longest fit into an answer').to.equal(10);
  });

  it('answers with a sentence, and 400 to what cannot be read', async () => {
    const token = await client.newUser('alice');
    for (const [type, rest] of [
      ['send_post_request', ''],
      ['send_post_request', ` ~ Line_1: ${token}`],
      ['send_post_request', ` ~ Line_1: ${token} ~ Line_2: a,b`],
      ['send_post_request', ` ~ Line_1: ${token} ~ Line_2: %zz`],
      ['send_post_request', ` ~ Line_1: ${token} ~ Line_2: %ff`],
      ['send_post_request', ` ~ Line_1: ${token} ~ Line_2: a ~ Line_2: b`],
      ['send_post_request', ` ~ Operation_id: short ~ Line_1: ${token} ~ Line_2: a`],
      ['send_post_request', ` ~ Operation_id: gw.1.123456 ~ Line_1: ${token} ~ Line_2: a`],
      ['send_post_request', ` ~ Line_1: ${token} ~ Line_2: caf\u00e9`],
      ['get_file_request', ` ~ Line_1: ${token} ~ Line_2: a ~ Line_3: -1 ~ Line_4: 10`],
      ['get_file_request', ` ~ Line_1: ${token} ~ Line_2: a ~ Line_3: 1e3 ~ Line_4: 10`],
      ['drop_table_request', ''],
      ['hasOwnProperty_request', ''],
      ['token_key_request', ''],
      ['revoked_since_request', ' ~ Since: 0'],
    ] as const) {
      const answer = await client.raw(type, rest);
      expect(answer.type, rest).to.equal(type.replace('_request', '_response'));
      expect(answer.rest, rest).to.match(/^ ~ Status: 400 ~ Line_3: .{10,}/);
    }
  });

  it('reads lines by name, ignores unknown ones, and lets nobody speak for somebody else', async () => {
    const token = await client.newUser('alice');
    await client.newUser('mallory');
    const lines = ` ~ Line_2: mine ~ User: mallory ~ X: y ~ Operation_id: 12345678 ~ Line_1: ${token}`;
    expect((await client.raw('send_post_request', lines)).rest).to.match(/Status: 200/);
    const { posts } = await client.do('retrieve_last_10_posts_request', { token });
    expect(posts.map((post) => [post.user, post.text])).to.deep.equal([['alice', 'mine']]);
  });

  it('lets nobody guess: ten failed logins in 60 s, then 429, for every login and after a restart', async () => {
    await client.newUser('alice');
    const attempt = (password: string) => client.ask('login_request', { user: 'ALICE', password });
    for (let i = 0; i < 10; i += 1) {
      expect((await attempt('wrong')).status).to.equal(401);
      app.nowMs += 100;
      await app.restart('login');
    }
    const refused = await attempt(PASSWORD);
    expect(refused).to.include({ ok: false, status: 429, data: String(60_000 - 1000) });
    app.nowMs += 58_999;
    expect((await attempt(PASSWORD)).status).to.equal(429);
    app.nowMs += 1;
    expect((await attempt(PASSWORD)).status).to.equal(200);
  });

  it('lets nobody guess faster by guessing at once: of 30 tries ten are looked at', async () => {
    await client.newUser('alice');
    const tries = Array.from({ length: 30 }, () => client.ask('login_request', { user: 'alice', password: 'wrong' }));
    const statuses = (await Promise.all(tries)).map((answer) => answer.status);
    expect(statuses.filter((status) => status === 401).length).to.equal(10);
    expect(statuses.filter((status) => status === 429).length).to.equal(20);
    expect(await statusOf(client.ask('login_request', { user: 'bob', password: 'wrong' })), 'others').to.equal(401);
  });

  it('lets forty log in at once who know the password', async () => {
    await client.newUser('alice');
    const tries = Array.from({ length: 40 }, () => client.ask('login_request', { user: 'alice', password: PASSWORD }));
    for (const answer of await Promise.all(tries)) expect(answer.status).to.equal(200);
  });

  it('signs with a key that survives restarts and stands in no log', async () => {
    const token = await client.newUser('alice');
    const { rest } = await app.request('users-db', 'users-socket', 'token_key_request', '');
    const key = /Line_3: (.*)$/.exec(rest)![1]!;
    for (const name of ['login', 'api-gateway'] as const) await app.restart(name);
    client = await app.connect();
    expect(await statusOf(client.ask('retrieve_last_10_posts_request', { token }))).to.equal(200);
    expect(app.logged.join('\n')).to.not.include(key);
  });

  it('checks passwords with argon2id', async function () {
    this.timeout(20_000);
    await app.stop();
    app = await InMemoryApp.start({ dataDir: folder, passwords: 'argon2' });
    client = await app.connect();
    await client.newUser('alice');
    await client.do('registration_request', { user: 'bob', password: PASSWORD }, 'operation-1');
    await client.do('registration_request', { user: 'bob', password: PASSWORD }, 'operation-1');
    const other = await client.ask('registration_request', { user: 'bob', password: 'another one' }, 'operation-1');
    expect(other.status).to.equal(409);
    expect(await statusOf(client.ask('login_request', { user: 'alice', password: 'a good passwor' }))).to.equal(401);
    expect(await statusOf(client.ask('login_request', { user: 'nobody', password: PASSWORD }))).to.equal(401);
    const begun = await app.request('users-db', 'users-socket', 'begin_login_request', ' ~ User: alice');
    expect(decodeURIComponent(begun.rest)).to.match(/\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});
