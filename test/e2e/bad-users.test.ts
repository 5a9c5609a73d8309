/**
 * What users should not send to a gateway: each gets the status that cnapp.md says, on a connection that goes on or is
 * closed within its limit, and another user notices nothing. The other ports: bad-input.test.ts.
 */
import { expect } from 'chai';
import { encodePart } from '../../services/protocols/line.ts';
import { UserClient } from '../unit/services/user-client.ts';
import { BAD_CHUNKS, BAD_IDS, BAD_REQUESTS } from './bad-requests.ts';
import { until } from './cluster.ts';
import { crowd, openFilesMax, Stranger } from './hostile.ts';
import { NOTICED_MS, Siege } from './siege.ts';

const MB = 1024 * 1024;

describe('bad input of users', function () {
  this.timeout(60_000);
  let siege: Siege;
  let client: UserClient;
  let token: string;

  before(async () => {
    siege = await Siege.start('127.0.55');
    client = await UserClient.open(siege.gateway.host, siege.gateway.port);
    token = await client.newUser('mallory');
  });
  after(async () => {
    client.close();
    await siege.stop();
  });
  afterEach(() => expect(siege.witness.complaints(NOTICED_MS), 'the other user noticed').to.deep.equal([]));

  const open = (): Promise<Stranger> => Stranger.open(siege.gateway.host, siege.gateway.port);

  it('every bad request is answered as cnapp.md says, and the connection goes on', async () => {
    const wrong: string[] = [];
    for (const { title, type, rest, answer } of BAD_REQUESTS) {
      const stranger = await open();
      stranger.write(`Type: ${type} ~ Message_id: 7${rest.replaceAll('TOKEN', token)}\n`);
      const line = (await stranger.hears(/\n/)).split('\n')[0] ?? '';
      if (!answer.test(line)) wrong.push(`${title}: ${line.slice(0, 200)}`);
      stranger.received = '';
      stranger.write(`Type: retrieve_last_10_posts_request ~ Message_id: 8 ~ Line_1: ${token}\n`);
      await stranger.hears(/^Type: retrieve_last_10_posts_response ~ Message_id: 8 ~ Status: 200/);
      stranger.gone();
    }
    expect(wrong).to.deep.equal([]);
    const { posts } = await client.do('retrieve_last_10_posts_request', { token });
    expect(posts).to.have.length(10);
  });

  it('an id that is none is answered with id 0', async () => {
    for (const id of BAD_IDS) {
      const stranger = (await open()).write(`Type: login_request ~ Message_id: ${id} ~ Line_1: a ~ Line_2: b\n`);
      await stranger.hears(/^Type: (login|error)_response ~ Message_id: 0 ~ Status: 400 /);
      stranger.gone();
    }
  });

  it('chunks that do not fit change nothing of the upload', async () => {
    const size = 10;
    const sha256 = 'a'.repeat(64);
    const begun = await client.do('send_file_begin_request', { token, name: 'ten bytes', size, sha256 });
    const chunk = async (offset: string, data: string): Promise<string> =>
      (
        await client.raw(
          'send_file_chunk_request',
          ` ~ Line_1: ${token} ~ Line_2: ${begun.uploadId} ~ Line_3: ${offset} ~ Line_4: ${data}`,
        )
      ).rest;
    expect(await chunk('0', Buffer.from('ABC').toString('base64'))).to.match(/^ ~ Status: 200/);
    for (const { title, values, answer } of BAD_CHUNKS) expect(await chunk(...values), title).to.match(answer);
    const again = await client.do('send_file_begin_request', { token, name: 'ten bytes', size, sha256 });
    expect(again).to.include({ uploadId: begun.uploadId, offset: 3 });
    expect(await chunk('3', Buffer.from('DEFGHIJ').toString('base64'))).to.match(/^ ~ Status: 200/);
    const end = await client.raw('send_file_end_request', ` ~ Line_1: ${token} ~ Line_2: ${begun.uploadId}`);
    expect(end.rest, 'the SHA-256 does not match').to.match(/^ ~ Status: 422/);
  });

  it('garbage is 400 with id 0; a line that is too long 413; one that never ends is closed', async () => {
    for (const garbage of ['GET / HTTP/1.1\r\n', '\0\x1b]0;owned\x07\n', '{"Type":"login_request"}\n', 'é\n', '\n']) {
      const stranger = (await open()).write(garbage);
      await stranger.hears(/^Type: error_response ~ Message_id: 0 ~ Status: 400 ~ Line_3: [\x20-\x7e]+\n/);
      stranger.gone();
    }
    const long = (await open()).write(`Type: login_request ~ Message_id: 9 ~ Line_1: ${'x'.repeat(70_000)}\n`);
    await long.hears(/^Type: login_response ~ Message_id: 9 ~ Status: 413 /);
    long.gone();
    const endless = (await open()).write('x'.repeat(2 * MB));
    await endless.closed('a line of 2 MB', NOTICED_MS);
  });

  it('ten wrong passwords for a name, then 429, for that name alone', async () => {
    const status = async (user: string): Promise<string | undefined> => {
      const { rest } = await client.raw('login_request', ` ~ Line_1: ${encodePart(user)} ~ Line_2: wrong-password`);
      return /Status: (\d+)/.exec(rest)?.[1];
    };
    const seen = await Promise.all(Array.from({ length: 12 }, () => status('guessed')));
    expect(seen.filter((code) => code === '401')).to.have.length(10);
    expect(seen.filter((code) => code === '429')).to.have.length(2);
    expect(await status('another')).to.equal('401');
  });

  it('thousands who say nothing, and hundreds who ask and never read, keep nobody out', async () => {
    const idle = await crowd(siege.gateway, Math.min(3000, Math.floor((openFilesMax() - 1000) / 4)));
    const line = `Type: retrieve_last_10_posts_request ~ Message_id: 1 ~ Line_1: ${token}\n`;
    const deaf: Stranger[] = [];
    for (let at = 0; at < 200; at += 1) {
      const stranger = await open();
      stranger.socket.pause();
      deaf.push(stranger.write(line.repeat(400)));
    }
    const seen = siege.witness.requests;
    await until('the other user goes on', () => siege.witness.requests - seen > 20, 20_000);
    idle.leave();
    for (const stranger of deaf) stranger.gone();
  });

  it('everything runs as before', async () => {
    expect(await siege.damage()).to.deep.equal([]);
    await siege.memoryIsBounded();
  });
});
