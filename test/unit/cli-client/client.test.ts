/** The programmatic client and the transfers against the fake gateway: cuts, other orders, 503, resumption. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { UserClient } from '../../../cli-client/client.ts';
import { ClientClosed, GatewayNotReached, connect } from '../../../cli-client/client.ts';
import { partName } from '../../../cli-client/core/part-name.ts';
import { FileSink } from '../../../cli-client/shell/sinks.ts';
import { openSource } from '../../../cli-client/shell/sources.ts';
import { getFile, sendFile } from '../../../cli-client/shell/transfer.ts';
import { CHUNK_BYTES_MAX } from '../../../services/protocols/user.ts';
import { FakeGateway } from './fake-gateway.ts';

describe('cnapp: the client against a gateway', function () {
  this.timeout(20_000);
  let fake: FakeGateway;
  let client: UserClient;
  let token: string;
  let folder: string;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.start();
    token = fake.addUser('bob');
    client = await connect(fake.gateway, { openMs: 2000 });
    folder = mkdtempSync(join(tmpdir(), 'cnapp-test-'));
  });
  afterEach(async () => {
    client.close();
    await fake.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('does everything of the table', async () => {
    expect(await client.request('registration_request', { user: 'ada', password: 'lovelace1' })).to.include({
      ok: true,
    });
    expect(await client.request('registration_request', { user: 'ADA', password: 'lovelace1' })).to.include({
      ok: false,
      status: 409,
    });
    const login = await client.request('login_request', { user: 'ada', password: 'lovelace1' });
    if (!login.ok) throw new Error(login.message);
    const text = 'a ~ b, c%\n\u{1f600}\x1b[0m ';
    const post = await client.request('send_post_request', { token: login.token, text });
    expect(post).to.deep.equal({ ok: true, status: 200, postId: '1' });
    const posts = await client.request('retrieve_last_10_posts_request', { token: login.token });
    expect(posts.ok && posts.posts[0]).to.include({ post_id: '1', user: 'ada', text });
    await client.request('logout_request', { token: login.token });
    expect(await client.request('list_files_request', { token: login.token, after: '' })).to.include({ status: 401 });
  });

  it('matches answers by id when they come in another order', async () => {
    fake.isReordering = true;
    const asked = Array.from({ length: 50 }, (_, at) =>
      client.request('send_post_request', { token, text: `post ${at}` }),
    );
    const ids = (await Promise.all(asked)).map((answer) => (answer.ok ? answer.postId : ''));
    expect(ids).to.deep.equal(Array.from({ length: 50 }, (_, at) => String(at + 1)));
  });

  it('repeats with the same Operation_id after a cut, so that a post is sent once', async () => {
    fake.fault = (_request, count) => (count === 0 ? 'cut_after' : count === 1 ? 'cut_before' : 'none');
    const answer = await client.request('send_post_request', { token, text: 'once' });
    expect(answer).to.include({ ok: true, postId: '1' });
    expect(fake.posts.length).to.equal(1);
    const ids = fake.requests.map((request) => request.operationId);
    expect(ids.length).to.equal(3);
    expect(new Set(ids).size).to.equal(1);
    expect(ids[0]).to.match(/^[A-Za-z0-9-]{8,64}$/);
  });

  it('repeats what was under way in its first order', async () => {
    fake.fault = (_request, count) => (count === 4 ? 'cut_before' : 'none');
    const asked = Array.from({ length: 10 }, (_, at) =>
      client.request('send_post_request', { token, text: String(at) }),
    );
    await Promise.all(asked);
    expect(fake.posts.map((post) => post.text)).to.deep.equal(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('waits out a 503 and repeats; gives it back where that is wished', async () => {
    fake.fault = (_request, count) => (count < 2 ? { status: 503, data: '20' } : 'none');
    const startMs = performance.now();
    expect(await client.request('send_post_request', { token, text: 'x' })).to.include({ ok: true });
    expect(performance.now() - startMs).to.be.at.least(38);
    fake.fault = () => ({ status: 503, data: '20' });
    const busy = await client.request('send_post_request', { token, text: 'x' }, { repeatsBusy: false });
    expect(busy).to.include({ status: 503, data: '20' });
  });

  it('a 503 that does not end is given back after the deadline', async () => {
    const impatient = await connect(fake.gateway, { repeatMs: 100 });
    fake.fault = () => ({ status: 503, data: '20' });
    expect(await impatient.request('logout_request', { token })).to.include({ ok: false, status: 503 });
    impatient.close();
  });

  it('goes to the next gateway when one is gone', async () => {
    const other = new FakeGateway('127.0.44.12');
    await other.start();
    other.addUser('bob');
    const both = await connect([fake.gateway, other.gateway]);
    await both.request('send_post_request', { token, text: 'x' });
    await fake.stop();
    expect(await both.request('send_post_request', { token, text: 'y' })).to.include({ ok: true });
    expect(other.posts.length).to.equal(1);
    both.close();
    await other.stop();
  });

  it('survives a gateway that starts again on its port', async () => {
    await fake.stop();
    const asked = client.request('send_post_request', { token, text: 'x' });
    await fake.start();
    expect(await asked).to.include({ ok: true });
  });

  it('says that no gateway was reached: at the start, later, and when none answers', async () => {
    const reached = async (what: Promise<unknown>): Promise<unknown> => what.catch((error: unknown) => error);
    expect(await reached(connect({ host: '127.0.44.99', port: 1 }, { openMs: 50 }))).to.be.instanceOf(
      GatewayNotReached,
    );
    fake.fault = () => 'silent';
    const impatient = await connect(fake.gateway, { answerMs: 50, repeatMs: 50 });
    expect(await reached(impatient.request('logout_request', { token }))).to.be.instanceOf(GatewayNotReached);
    await fake.stop();
    expect(await reached(impatient.request('logout_request', { token }))).to.be.instanceOf(GatewayNotReached);
    impatient.close();
    expect(await reached(impatient.request('logout_request', { token }))).to.be.instanceOf(ClientClosed);
  });

  it('a gateway that sends garbage or an endless line does no harm', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('\x00\xff garbage\nType: x ~ Message_id: 0\n' + 'x'.repeat(400_000)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.44.13', resolve));
    const port = (server.address() as net.AddressInfo).port;
    const victim = await connect({ host: '127.0.44.13', port }, { repeatMs: 200 });
    const error = await victim.request('logout_request', { token }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(GatewayNotReached);
    victim.close();
    await new Promise((resolve) => server.close(resolve));
  });

  describe('sending a file', () => {
    const bytes = randomBytes(20 * CHUNK_BYTES_MAX + 123);

    async function send(name = 'f.bin'): Promise<string> {
      const path = join(folder, 'local');
      writeFileSync(path, bytes);
      const source = await openSource(path);
      try {
        return await sendFile(client, token, name, source, () => undefined);
      } finally {
        await source.close();
      }
    }
    const stored = (name = 'f.bin'): Buffer | undefined => fake.files.get(`bob/${name}`)?.bytes;

    it('arrives whole', async () => {
      expect(await send('a, b ~ \u00e9.txt')).to.equal('a, b ~ \u00e9.txt');
      expect(stored('a, b ~ \u00e9.txt')?.equals(bytes)).to.equal(true);
    });

    it('an empty file too', async () => {
      writeFileSync(join(folder, 'empty'), '');
      const source = await openSource(join(folder, 'empty'));
      await sendFile(client, token, 'empty', source, () => undefined);
      await source.close();
      expect(stored('empty')?.length).to.equal(0);
    });

    it('arrives whole though the connection is cut again and again', async () => {
      fake.fault = (_request, count) => (count % 9 === 8 ? (count % 2 === 0 ? 'cut_after' : 'cut_before') : 'none');
      await send();
      expect(stored()?.equals(bytes)).to.equal(true);
    });

    it('arrives whole though the store fails and comes back with less', async () => {
      let failures = 0;
      fake.fault = (request) => {
        if (
          request.name === 'send_file_chunk_request' &&
          request.fields.offset === 10 * CHUNK_BYTES_MAX &&
          failures < 2
        ) {
          failures += 1;
          fake.loseUndurable();
        }
        return 'none';
      };
      await send();
      expect(failures).to.equal(2);
      expect(stored()?.equals(bytes)).to.equal(true);
    });

    it('waits out a 503 in the middle and begins anew', async () => {
      fake.fault = (_request, count) => (count === 5 ? { status: 503, data: '10' } : 'none');
      await send();
      expect(stored()?.equals(bytes)).to.equal(true);
      const begins = fake.requests.filter((request) => request.name === 'send_file_begin_request');
      expect(begins.length).to.equal(2);
      // The second begin asks anew: the same operation would get the same old offset.
      expect(new Set(begins.map((request) => request.operationId)).size).to.equal(2);
    });

    it('goes on where it stopped', async () => {
      fake.fault = (request) => {
        const isLate = request.name === 'send_file_chunk_request' && request.fields.offset >= 15 * CHUNK_BYTES_MAX;
        return isLate ? { status: 500 } : 'none';
      };
      const error = await send().catch((reason: unknown) => reason);
      expect(error).to.include({ status: 500, isResumable: true });
      fake.fault = () => 'none';
      fake.requests.length = 0;
      await send();
      expect(stored()?.equals(bytes)).to.equal(true);
      const offsets = fake.requests.flatMap((r) => (r.name === 'send_file_chunk_request' ? [r.fields.offset] : []));
      expect(Math.min(...offsets)).to.equal(15 * CHUNK_BYTES_MAX);
    });

    it('a wrong SHA-256 is a failure that is not gone on with', async () => {
      fake.fault = (request) => (request.name === 'send_file_end_request' ? { status: 422 } : 'none');
      expect(await send().catch((reason: unknown) => reason)).to.include({ status: 422, isResumable: false });
    });
  });

  describe('getting a file', () => {
    const bytes = randomBytes(1_000_003);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const get = async (): Promise<unknown> =>
      getFile(client, token, 'f.bin', new FileSink(join(folder, 'f.bin')), () => undefined);
    const got = (): Buffer => readFileSync(join(folder, 'f.bin'));
    const part = (): string => join(folder, partName('f.bin', sha256));
    const offsets = (): number[] =>
      fake.requests.flatMap((r) => (r.name === 'get_file_request' ? [r.fields.offset] : []));

    beforeEach(() => fake.putFile('bob', 'f.bin', bytes));

    it('arrives whole, in any order, with no partial file left', async () => {
      fake.isReordering = true;
      expect(await get()).to.deep.equal({ size: bytes.length, sha256 });
      expect(got().equals(bytes)).to.equal(true);
      expect(readdirSync(folder)).to.deep.equal(['f.bin']);
    });

    it('from a gateway that answers less than it is asked for', async () => {
      fake.answerBytes = 50_000;
      await get();
      expect(got().equals(bytes)).to.equal(true);
    });

    it('though the connection is cut again and again', async () => {
      fake.fault = (_request, count) => (count % 7 === 6 ? 'cut_before' : 'none');
      await get();
      expect(got().equals(bytes)).to.equal(true);
    });

    it('goes on where it stopped', async () => {
      fake.fault = (request) =>
        request.name === 'get_file_request' && request.fields.offset > 600_000 ? { status: 500 } : 'none';
      expect(await get().catch((reason: unknown) => reason)).to.include({ status: 500, isResumable: true });
      expect(existsSync(join(folder, 'f.bin'))).to.equal(false);
      const kept = readFileSync(part()).length;
      expect(kept).to.be.greaterThan(500_000);
      fake.fault = () => 'none';
      fake.requests.length = 0;
      await get();
      expect(got().equals(bytes)).to.equal(true);
      expect(offsets().slice(0, 2)).to.deep.equal([0, kept]);
      expect(readdirSync(folder)).to.deep.equal(['f.bin']);
    });

    it('does not trust a partial file that is wrong', async () => {
      writeFileSync(part(), randomBytes(500_000));
      await get();
      expect(got().equals(bytes)).to.equal(true);
      expect(readdirSync(folder)).to.deep.equal(['f.bin']);
    });

    it('takes the new file when it is replaced meanwhile, even by a shorter one', async () => {
      const shorter = randomBytes(300_000);
      fake.fault = (request) => {
        if (request.name === 'get_file_request' && request.fields.offset > 0) fake.putFile('bob', 'f.bin', shorter);
        return 'none';
      };
      await get();
      expect(got().equals(shorter)).to.equal(true);
      expect(readdirSync(folder)).to.deep.equal(['f.bin']);
    });

    it('a SHA-256 that does not match is a failure, and nothing takes the name', async () => {
      fake.files.set('bob/f.bin', { bytes, sha256: 'ab'.repeat(32), time: '' });
      expect(await get().catch((reason: unknown) => reason)).to.be.instanceOf(Error);
      expect(existsSync(join(folder, 'f.bin'))).to.equal(false);
    });

    it('a file that is not there is 404 and leaves nothing', async () => {
      fake.files.clear();
      expect(await get().catch((reason: unknown) => reason)).to.include({ status: 404 });
      expect(readdirSync(folder)).to.deep.equal([]);
    });

    it('an empty file too', async () => {
      fake.putFile('bob', 'f.bin', Buffer.alloc(0));
      await get();
      expect(got().length).to.equal(0);
    });
  });
});
