/** The gateway's user socket: framing, order, limits, bad input, tokens and logouts, leaving in order. */
import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IN_FLIGHT_MAX } from '../../../services/api-gateway/shell/user-connection.ts';
import { PlugError } from '../../../services/kit/service.ts';
import { InMemoryApp } from './in-memory-app.ts';
import type { UserClient } from './user-client.ts';

const DEADLINE_MS = 20_000;

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('the user socket', () => {
  let folder: string;
  let app: InMemoryApp;
  let client: UserClient;
  let token: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-gateway-'));
    app = await InMemoryApp.start({ dataDir: folder });
    client = await app.connect();
    token = await client.newUser('alice');
  });

  afterEach(async () => {
    client.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = (id: number) => `Type: retrieve_last_10_posts_request ~ Message_id: ${id} ~ Line_1: ${token}`;
  const count = (what: string) => app.handled.filter((handled) => handled === what).length;

  it('reads lines cut anywhere, many at once, with CRLF and with a trailing separator', async () => {
    const text = `${read(1001)}\n${read(1002)}\r\n${read(1003)} ~ \n`;
    for (const character of text) {
      client.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const id of [1001, 1002, 1003]) {
      expect(await client.line()).to.equal(`Type: retrieve_last_10_posts_response ~ Message_id: ${id} ~ Status: 200`);
    }
    client.write(text.repeat(40));
    for (let i = 0; i < 120; i += 1) await client.line();
  });

  it('answers what it cannot read with error_response, the id that could be read, or 0', async () => {
    for (const [line, start] of [
      ['', 'Type: error_response ~ Message_id: 0 ~ Status: 400 ~ Line_3: '],
      ['hello', 'Type: error_response ~ Message_id: 0 ~ Status: 400 ~ Line_3: '],
      ['Message_id: 7', 'Type: error_response ~ Message_id: 7 ~ Status: 400 ~ Line_3: '],
      ['Type: send_post_response ~ Message_id: 8', 'Type: error_response ~ Message_id: 8 ~ Status: 400'],
      ['Type: hello ~ Message_id: 9', 'Type: error_response ~ Message_id: 9 ~ Status: 400'],
      ['Type: x_request ~ Message_id: 10', 'Type: x_response ~ Message_id: 10 ~ Status: 400'],
      ['Type: login_request', 'Type: login_response ~ Message_id: 0 ~ Status: 400'],
      ['Type: login_request ~ Message_id: -1', 'Type: login_response ~ Message_id: 0 ~ Status: 400'],
      ['GET / HTTP/1.1', 'Type: error_response ~ Message_id: 0 ~ Status: 400'],
      ['\x16\x03\x01\xff\x00\xfe', 'Type: error_response ~ Message_id: 0 ~ Status: 400'],
    ] as const) {
      client.write(`${line}\n`);
      const answer = await client.line();
      expect(answer.slice(0, start.length), line).to.equal(start);
      expect(answer, line).to.match(/^[\x20-\x7e]*$/);
    }
    expect((await client.ask('retrieve_last_10_posts_request', { token })).status, 'and goes on').to.equal(200);
  });

  it('takes a request of 64 KiB, answers a longer one with 413 and goes on', async () => {
    const head = `Type: send_post_request ~ Message_id: 2001 ~ Line_1: ${token} ~ Line_2: `;
    client.write(`${head}${'x'.repeat(65_535 - head.length)}\n`);
    expect(await client.line()).to.match(
      /^Type: send_post_response ~ Message_id: 2001 ~ Status: 413 ~ Line_3: the post/,
    );
    client.write(`${head}${'x'.repeat(65_536 - head.length)}\n${read(2002)}\n`);
    expect(await client.line()).to.match(
      /^Type: send_post_response ~ Message_id: 2001 ~ Status: 413 ~ Line_3: a request/,
    );
    expect(await client.line()).to.match(/Message_id: 2002 ~ Status: 200/);
  });

  it('closes on a line that never ends', async () => {
    for (let i = 0; i < 400 && !client.socket.readableEnded && client.socket.writable; i += 1) {
      client.write('x'.repeat(64 * 1024));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => client.socket.readableEnded || client.socket.destroyed, 'closed');
    expect(client.lines.length, 'told once that it is too long, once that it is closed').to.equal(2);
    for (const line of client.lines) expect(line).to.match(/^Type: error_response ~ Message_id: 0 ~ Status: 413/);
  });

  it('closes on half a line and on silence, each after its time', async () => {
    const port = await app.secondGateway({ halfLineMs: 60, silenceMs: 150 });
    const half = await app.connect(port);
    half.write('Type: login_re');
    const dripping = setInterval(() => half.write('x'), 10); // not silent, and still no line
    await until(() => half.socket.destroyed || half.socket.readableEnded, 'half a line');
    clearInterval(dripping);
    expect(half.lines[0]).to.match(/^Type: error_response ~ Message_id: 0 ~ Status: 400 ~ Line_3: half a line/);
    const slow = await app.connect(port);
    for (const part of ['Type: x_request ', '~ Message_id: 5\nType: x_request ~ M', 'essage_id: 6\n']) {
      slow.write(part);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(slow.lines.length, 'each line has its own time').to.equal(2);
    await until(() => slow.socket.readableEnded, 'silence');
    [half, slow].forEach((user) => user.close());
  });

  it('does not read faster than it can answer, and loses nothing', async () => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    app.intercept = (service) => (service === 'table' ? held : null);
    const count = 5000;
    for (let i = 0; i < count; i += 1) client.write(`${read(10_000 + i)}\n`);
    await until(() => app.gateway().load().inFlight >= IN_FLIGHT_MAX, 'all room is used');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(app.gateway().load().inFlight).to.equal(IN_FLIGHT_MAX);
    letGo();
    await until(() => client.lines.length === count, 'every answer');
    const ids = client.lines.map((line) => Number(/Message_id: (\d+)/.exec(line)![1]));
    expect(new Set(ids).size).to.equal(count);
    expect(app.gateway().load()).to.deep.include({ inFlight: 0 });
  });

  it('answers thousands of garbage lines without growing a stack', async () => {
    client.write('x\n'.repeat(30_000));
    await until(() => client.lines.length === 30_000, 'every answer');
  });

  it('does nothing more for a user who does not read his answers', async () => {
    const texts = 'x'.repeat(4000);
    for (let i = 0; i < 10; i += 1) await client.do('send_post_request', { token, text: texts });
    const deaf = await app.connect();
    deaf.socket.pause();
    const before = count('table retrieve_last_10_posts_request');
    for (let i = 0; i < 3000; i += 1) deaf.write(`${read(20_000 + i)}\n`); // 120 MB of answers
    await new Promise((resolve) => setTimeout(resolve, 300));
    const begun = count('table retrieve_last_10_posts_request') - before;
    expect(begun).to.be.lessThan(600);
    expect((await client.ask('retrieve_last_10_posts_request', { token })).status, 'others').to.equal(200);
    deaf.socket.resume();
    await until(() => deaf.lines.length === 3000, 'every answer, now that he reads');
    deaf.close();
  }).timeout(40_000);

  it('tells what is too many to come back: requests that take too much room', async () => {
    const port = await app.secondGateway({ heldBytesMax: 300_000 });
    const users = [await app.connect(port), await app.connect(port)];
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    app.intercept = (_, request) => (request.type === 'get_file_request' ? held : null);
    const asked = { token, name: 'a', offset: 0, mostBytes: 1 };
    const first = users[0]!.ask('get_file_request', asked);
    const refused = await users[1]!.ask('get_file_request', asked);
    expect(refused).to.include({ status: 503, data: '1000' });
    letGo();
    expect((await first).status).to.equal(404);
    expect((await users[1]!.ask('get_file_request', asked)).status).to.equal(404);
    users.forEach((user) => user.close());
  });

  it('lets nobody in the way of others: of too many connections the one goes that was silent longest', async () => {
    const port = await app.secondGateway({ connectionsMax: 2 });
    const silent = await app.connect(port);
    const asking = await app.connect(port);
    await asking.do('retrieve_last_10_posts_request', { token });
    const late = await app.connect(port);
    expect((await late.ask('retrieve_last_10_posts_request', { token })).status).to.equal(200);
    expect(await silent.line()).to.match(
      /^Type: error_response ~ Message_id: 0 ~ Status: 503 .*silent.* ~ Line_4: 1000$/,
    );
    await until(() => silent.socket.readableEnded, 'the silent one is closed');
    expect((await asking.ask('retrieve_last_10_posts_request', { token })).status).to.equal(200);
    [silent, asking, late].forEach((user) => user.close());
  });

  it('tells one connection too many to come back when all wait for answers', async () => {
    const port = await app.secondGateway({ connectionsMax: 2 });
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let underWay = 0;
    app.intercept = (service) => (service === 'table' && (underWay += 1) > 0 ? held : null);
    const users = [await app.connect(port), await app.connect(port)];
    const answers = users.map((user) => user.ask('retrieve_last_10_posts_request', { token }));
    await until(() => underWay === 2, 'both are under way');
    const late = await app.connect(port);
    expect(await late.line()).to.match(/^Type: error_response ~ Message_id: 0 ~ Status: 503 .* ~ Line_4: 1000$/);
    letGo();
    for (const answer of answers) expect((await answer).status).to.equal(200);
    [...users, late].forEach((user) => user.close());
  });

  it('ends those who hold most for longest when all together hold too much, and nobody else notices', async () => {
    const port = await app.secondGateway({ heldBytesMax: 3_000_000 });
    const deaf = await Promise.all(Array.from({ length: 8 }, () => app.connect(port)));
    for (const user of deaf) {
      user.socket.pause();
      user.write('x\n'.repeat(30_000)); // 6 MB of answers each, of which the system takes some and the gateway 1 MiB
    }
    const half = await Promise.all(Array.from({ length: 80 }, () => app.connect(port)));
    for (const user of half) user.write('x'.repeat(60_000));
    const other = await app.connect(port);
    const until = performance.now() + 1000;
    while (performance.now() < until) {
      const answer = await other.ask('retrieve_last_10_posts_request', { token });
      expect(answer.status).to.equal(200);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const ended = [...deaf, ...half].filter(({ socket }) => socket.destroyed || socket.readableEnded).length;
    expect(ended, 'somebody had to go').to.be.greaterThan(0);
    [...deaf, ...half, other].forEach((user) => user.close());
  }).timeout(30_000);

  it('serves others between the lines of those who send thousands at once', async () => {
    const busy = await Promise.all(Array.from({ length: 20 }, () => app.connect()));
    for (const user of busy) user.write('x\n'.repeat(30_000));
    await until(() => app.gateway().load().requests > 1000, 'it has begun');
    const before = app.gateway().load().requests;
    expect((await client.ask('retrieve_last_10_posts_request', { token })).status).to.equal(200);
    expect(app.gateway().load().requests - before, 'of 600,000').to.be.lessThan(30_000);
    busy.forEach((user) => user.close());
  }).timeout(30_000);

  it('answers a user who has closed his side, and only then closes', async () => {
    const short = await app.connect();
    short.socket.end(`${read(1)}\n${read(2)}\nType: half`);
    await until(() => short.socket.readableEnded, 'the end');
    expect(short.lines.length).to.equal(2);
  });

  it('passes requests on one change in their order, also while tokens cannot be checked yet', async () => {
    await app.restart('api-gateway');
    client = await app.connect();
    const order: string[] = [];
    app.intercept = (service, request) => {
      if (service === 'post') order.push(/Text: (\S+)/.exec(request.rest)![1]!);
      return service === 'login' ? new Promise((resolve) => setTimeout(resolve, 30)) : null;
    };
    const posts = Array.from({ length: 20 }, (_, i) => client.do('send_post_request', { token, text: `post-${i}` }));
    await Promise.all(posts);
    expect(order).to.deep.equal(posts.map((_, i) => `post-${i}`));
    const { posts: shown } = await client.do('retrieve_last_10_posts_request', { token });
    expect(shown[0]!.text).to.equal('post-19');
  });

  it('answers 503 with line 4 when a service cannot be reached, 504 when it does not answer', async () => {
    app.intercept = (service) => (service === 'table' ? new PlugError(503, 'none', 300) : null);
    const none = await client.ask('retrieve_last_10_posts_request', { token });
    expect(none).to.include({ ok: false, status: 503, data: '300' });
    app.intercept = (service) => (service === 'posts-db' ? new PlugError(504, 'late', 900) : null);
    const late = await client.ask('send_post_request', { token, text: 'x' });
    expect(late).to.include({ ok: false, status: 504, data: '900' });
    await app.restart('api-gateway');
    client = await app.connect();
    app.intercept = (service) => (service === 'login' ? new PlugError(503, 'none', 200) : null);
    expect(await client.ask('retrieve_last_10_posts_request', { token })).to.include({ status: 503, data: '200' });
    app.intercept = () => null;
    expect(await client.ask('retrieve_last_10_posts_request', { token })).to.include({ status: 200 });
  });

  it('leaves in order: takes nobody new, answers what it has, closes', async () => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    app.intercept = (service) => (service === 'table' ? held : null);
    const idle = await app.connect();
    const answers = [1, 2, 3].map(() => client.ask('retrieve_last_10_posts_request', { token }));
    await until(() => app.gateway().load().inFlight === 3, 'three under way');
    const drained = app.gateway().drain();
    await until(() => idle.socket.readableEnded, 'the idle one is closed');
    expect(await app.connect().catch((error: unknown) => error)).to.have.property('code', 'ECONNREFUSED');
    letGo();
    for (const answer of await Promise.all(answers)) expect(answer.status).to.equal(200);
    await drained;
    await until(() => client.socket.readableEnded, 'closed');
    await app.restart('api-gateway');
  });

  describe('tokens', () => {
    const ask = async (user = client) => (await user.ask('retrieve_last_10_posts_request', { token })).status;
    const asked = () => count('login revoked_since_request') + count('login token_key_request');

    it('are checked without asking anybody, but for one question every two seconds', async () => {
      await ask();
      const before = asked();
      for (let i = 0; i < 50; i += 1) await ask();
      expect(asked()).to.equal(before);
      app.nowMs += 2001;
      for (let i = 0; i < 50; i += 1) await ask();
      expect(asked()).to.equal(before + 1);
      app.nowMs += 3_600_000; // nobody asks anything: nothing is asked
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(asked()).to.equal(before + 1);
    });

    it('do not hold at another gateway 5 s after a logout, though it never waits for each request', async () => {
      const port = await app.secondGateway();
      const other = await app.connect(port);
      expect(await ask(other)).to.equal(200);
      await client.do('logout_request', { token });
      expect(await ask(), 'here at once').to.equal(401);
      const statuses: number[] = [];
      const start = app.nowMs;
      while (app.nowMs < start + 5000) {
        app.nowMs += 500;
        statuses.push(await ask(other));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(statuses.at(-1)).to.equal(401);
      other.close();
    });

    it('do not hold 5 s after a logout at a gateway that was idle, from its first request on', async () => {
      const port = await app.secondGateway();
      const other = await app.connect(port);
      expect(await ask(other)).to.equal(200);
      app.nowMs += 10_000;
      await client.do('logout_request', { token });
      app.nowMs += 5000;
      expect(await ask(other)).to.equal(401);
      other.close();
    });

    it('are not trusted while nobody can say what was logged out', async () => {
      await ask();
      app.nowMs += 4001;
      app.intercept = (service) => (service === 'users-db' ? new PlugError(503, 'none', 100) : null);
      expect(await ask()).to.equal(503);
      app.intercept = () => null;
      expect(await ask()).to.equal(200);
    });

    it('are all learned, also when there are more logouts than fit into an answer', async () => {
      const tokens: string[] = [];
      for (let i = 0; i < 2050; i += 1) {
        const number = String(i).padStart(22, '0');
        const rest = ` ~ User: alice ~ Operation_id: operation-${number} ~ Token_id: ${number} ~ Expires: ${app.nowMs + 1e6}`;
        tokens.push((await app.request('users-db', 'users-socket', 'revoke_token_request', rest)).rest);
      }
      expect(new Set(tokens).size).to.equal(1);
      await client.do('logout_request', { token });
      const port = await app.secondGateway();
      const other = await app.connect(port);
      const before = count('login revoked_since_request');
      expect(await ask(other)).to.equal(401);
      expect(count('login revoked_since_request') - before).to.equal(2);
      other.close();
    }).timeout(30_000);
  });
});
