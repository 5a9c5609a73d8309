/** Files: resumable uploads, exactly as cnapp.md has them, over restarts, refusals of the disk and other users. */
import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UPLOAD_ABANDONED_MS, UPLOADS_PER_USER_MAX } from '../../../services/file-store/uploads.ts';
import { PlugError } from '../../../services/kit/service.ts';
import { InMemoryApp } from './in-memory-app.ts';
import type { UserClient } from './user-client.ts';

const CHUNK = 32 * 1024;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('files', () => {
  let folder: string;
  let app: InMemoryApp;
  let client: UserClient;
  let token: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-files-'));
    app = await InMemoryApp.start({ dataDir: folder, stores: 'folder' });
    client = await app.connect();
    token = await client.newUser('alice');
  });

  afterEach(async () => {
    client.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const partsOnDisk = () => readdirSync(join(folder, 'file-store', 'files')).sort();
  const begin = (name: string, bytes: Uint8Array, as = token) =>
    client.do('send_file_begin_request', { token: as, name, size: bytes.length, sha256: sha256(bytes) });
  const chunk = (uploadId: string, offset: number, bytes: Uint8Array, as = token) =>
    client.ask('send_file_chunk_request', {
      token: as,
      uploadId,
      offset,
      data: Buffer.from(bytes).toString('base64'),
    });
  const end = (uploadId: string, as = token) => client.ask('send_file_end_request', { token: as, uploadId });

  async function sendFrom(uploadId: string, offset: number, bytes: Uint8Array): Promise<void> {
    const answers: Promise<{ status: number }>[] = []; // pipelined: they must take effect in this order
    for (let at = offset; at < bytes.length; at += CHUNK) {
      answers.push(chunk(uploadId, at, bytes.subarray(at, at + CHUNK)));
    }
    for (const answer of await Promise.all(answers)) expect(answer.status).to.equal(200);
  }

  async function send(name: string, bytes: Uint8Array): Promise<string> {
    const { uploadId, offset } = await begin(name, bytes);
    await sendFrom(uploadId, offset, bytes);
    expect(await end(uploadId)).to.include({ status: 200, name });
    return uploadId;
  }

  async function get(name: string, as = token): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let offset = 0; ;) {
      const got = await client.do('get_file_request', { token: as, name, offset, mostBytes: 1e9 });
      pieces.push(Buffer.from(got.data, 'base64'));
      offset = got.nextOffset;
      if (offset !== got.size) continue;
      const bytes = Buffer.concat(pieces);
      expect(got.sha256).to.equal(sha256(bytes));
      return bytes;
    }
  }

  it('takes any bytes in pipelined chunks and gives them back in answers of 128 KiB at most', async () => {
    const bytes = randomBytes(1_000_003);
    await send('big.bin', bytes);
    expect(Buffer.compare(await get('big.bin'), bytes)).to.equal(0);
    const got = await client.do('get_file_request', { token, name: 'big.bin', offset: 1000, mostBytes: 1e9 });
    expect(got).to.include({ nextOffset: 1000 + 128 * 1024, size: bytes.length });
    expect(Buffer.from(got.data, 'base64').length).to.equal(128 * 1024);
    const behind = await client.do('get_file_request', { token, name: 'big.bin', offset: 2e6, mostBytes: 10 });
    expect(behind).to.include({ data: '', nextOffset: bytes.length });
  });

  it('takes an empty file', async () => {
    await send('empty', Buffer.alloc(0));
    expect((await get('empty')).length).to.equal(0);
  });

  it('answers begin for an upload under way with its id and the offset it has', async () => {
    const bytes = randomBytes(CHUNK * 3);
    const first = await begin('a', bytes);
    await chunk(first.uploadId, 0, bytes.subarray(0, CHUNK));
    expect(await begin('a', bytes)).to.include({ uploadId: first.uploadId, offset: CHUNK });
    expect((await begin('b', bytes)).uploadId, 'another name').to.not.equal(first.uploadId);
    expect((await begin('a', randomBytes(9))).uploadId, 'other content').to.not.equal(first.uploadId);
    const upper = { token, name: 'a', size: bytes.length, sha256: sha256(bytes).toUpperCase() };
    expect(await client.do('send_file_begin_request', upper)).to.include({ uploadId: first.uploadId });
  });

  it('answers a chunk at another offset with 409 and the right one, and one that it has with 200', async () => {
    const bytes = randomBytes(CHUNK * 3);
    const { uploadId } = await begin('a', bytes);
    expect(await chunk(uploadId, CHUNK, bytes.subarray(CHUNK, CHUNK * 2))).to.include({ status: 409, data: '0' });
    await chunk(uploadId, 0, bytes.subarray(0, CHUNK));
    expect(await chunk(uploadId, 0, bytes.subarray(0, CHUNK))).to.include({ status: 200, nextOffset: CHUNK });
    expect(await chunk(uploadId, 5, bytes.subarray(5, 105))).to.include({ status: 200, nextOffset: 105 });
    expect(await chunk(uploadId, 5, bytes.subarray(6, 106)), 'other bytes').to.include({ status: 409 });
    const across = await chunk(uploadId, 100, bytes.subarray(100, 100 + CHUNK));
    expect(across, 'not wholly before').to.include({ status: 409, data: String(CHUNK) });
    expect(await end(uploadId)).to.include({ status: 409, data: String(CHUNK) });
  });

  it('drops an upload whose SHA-256 does not match: 422', async () => {
    const bytes = randomBytes(100);
    const { uploadId } = await begin('a', bytes);
    await chunk(uploadId, 0, randomBytes(100));
    const told = { token, uploadId };
    expect((await client.ask('send_file_end_request', told, 'end-of-upload')).status).to.equal(422);
    expect((await client.ask('send_file_end_request', told, 'end-of-upload')).status, 'the same again').to.equal(422);
    expect((await end(uploadId)).status).to.equal(404);
    expect(partsOnDisk()).to.deep.equal([]);
    await send('a', bytes);
  });

  it('serves the old file until the new one is complete, then the new one, and keeps one copy', async () => {
    const old = randomBytes(50_000);
    const next = randomBytes(70_000);
    await send('a', old);
    const { uploadId } = await begin('a', next);
    await sendFrom(uploadId, 0, next);
    expect(Buffer.compare(await get('a'), old)).to.equal(0);
    const reads = Promise.all([1, 2, 3, 4].map(() => get('a').catch(() => old)));
    expect((await end(uploadId)).status).to.equal(200);
    await reads;
    expect(Buffer.compare(await get('a'), next)).to.equal(0);
    expect(partsOnDisk().length).to.equal(1);
  });

  it('answers end again as before, also without an operation id', async () => {
    const bytes = randomBytes(10);
    const uploadId = await send('a', bytes);
    expect(await end(uploadId)).to.include({ status: 200, name: 'a' });
    await send('a', randomBytes(10));
    expect((await end(uploadId)).status, 'its file is gone').to.equal(404);
  });

  it('goes on after a restart of file-store where the disk stands, and hashes what it did not see', async () => {
    const bytes = randomBytes(CHUNK * 20 + 7);
    const { uploadId } = await begin('a', bytes);
    await sendFrom(uploadId, 0, bytes.subarray(0, CHUNK * 8));
    await app.restart('file-store');
    expect(await begin('a', bytes)).to.include({ uploadId, offset: CHUNK * 8 });
    await sendFrom(uploadId, CHUNK * 8, bytes.subarray(0, CHUNK * 12));
    await app.restart('file-store'); // and nobody asks where it stands: the chunks just go on
    await sendFrom(uploadId, CHUNK * 12, bytes);
    expect((await end(uploadId)).status).to.equal(200);
    await app.restart('file-store');
    expect(Buffer.compare(await get('a'), bytes)).to.equal(0);
    expect(partsOnDisk().length, 'one part an owner').to.equal(3);
    await send('a', randomBytes(10));
    expect(partsOnDisk().length).to.equal(1);
  });

  it('R50 what a former owner still writes to an upload does not count', async () => {
    const bytes = randomBytes(CHUNK * 3);
    const { uploadId } = await begin('a', bytes);
    await chunk(uploadId, 0, bytes.subarray(0, CHUNK));
    const former = app.definition('file-store');
    await app.restart('file-store');
    await chunk(uploadId, CHUNK, bytes.subarray(CHUNK, CHUNK * 2));
    app.nowMs += 1000;
    const late = await new Promise<string>((resolve) => {
      const rest = ` ~ User: alice ~ Upload: ${uploadId} ~ Offset: ${CHUNK} ~ Data: ${randomBytes(300).toString('base64')}`;
      const request = { type: 'store_chunk_request', id: 1, rest };
      const reply = former.sockets!['files-socket']!(request, { key: '' }, (_, answer) => resolve(answer));
      if (reply !== undefined) void Promise.resolve(reply).then((r) => resolve(r.rest));
    });
    expect(late).to.match(/Status: 503/);
    await chunk(uploadId, CHUNK * 2, bytes.subarray(CHUNK * 2));
    expect((await end(uploadId)).status).to.equal(200);
    expect(Buffer.compare(await get('a'), bytes)).to.equal(0);
  });

  it('finds damage that a crash did to an upload: 422, and never a wrong file', async () => {
    const bytes = randomBytes(CHUNK * 2);
    const { uploadId } = await begin('a', bytes);
    await chunk(uploadId, 0, bytes.subarray(0, CHUNK));
    truncateSync(join(folder, 'file-store', 'files', partsOnDisk()[0]!), CHUNK / 2);
    truncateSync(join(folder, 'file-store', 'files', partsOnDisk()[0]!), CHUNK); // now half of it is zeros
    await app.restart('file-store');
    await chunk(uploadId, CHUNK, bytes.subarray(CHUNK));
    expect((await end(uploadId)).status).to.equal(422);
  });

  it('shows a file to its user alone: 404 for others', async () => {
    const bytes = randomBytes(100);
    await send('a', bytes);
    const { uploadId } = await begin('b', bytes);
    const mallory = await client.newUser('mallory');
    const asked = { token: mallory, name: 'a', offset: 0, mostBytes: 10 };
    expect((await client.ask('get_file_request', asked)).status).to.equal(404);
    expect((await chunk(uploadId, 0, bytes, mallory)).status).to.equal(404);
    expect((await end(uploadId, mallory)).status).to.equal(404);
    expect((await client.do('list_files_request', { token: mallory, after: '' })).files).to.deep.equal([]);
    const own = await begin('b', bytes, mallory);
    expect(own.uploadId).to.not.equal(uploadId);
  });

  it('holds names, sizes and chunks to their limits, and no name is a path', async () => {
    const ask = async (name: string, size = 1) =>
      (await client.ask('send_file_begin_request', { token, name, size, sha256: '0'.repeat(64) })).status;
    for (const name of ['', '.', '..', '../escaped.txt', 'a/b', '/etc/passwd', 'a\\b', 'a\nb', 'a\0b', '\u0085']) {
      expect(await ask(name), JSON.stringify(name)).to.equal(400);
      const asked = { token, name, offset: 0, mostBytes: 1 };
      expect((await client.ask('get_file_request', asked)).status, JSON.stringify(name)).to.equal(400);
    }
    for (const name of [
      '...',
      ' a ',
      'a ~ b, c',
      '\u{1f600}'.repeat(63) + 'abc',
      'x'.repeat(255),
      '__proto__',
      '-rf',
    ]) {
      expect(await ask(name), name).to.equal(200);
    }
    expect(await ask('\u{1f600}'.repeat(64)), '256 bytes').to.equal(400);
    expect(await ask('a', 2 ** 31)).to.equal(200);
    expect(await ask('a', 2 ** 31 + 1)).to.equal(413);
    const sum = { token, name: 'a', size: 1, sha256: 'z'.repeat(64) };
    expect((await client.ask('send_file_begin_request', sum)).status).to.equal(400);
    const { uploadId } = await begin('limits', randomBytes(100_000));
    expect((await chunk(uploadId, 0, randomBytes(CHUNK + 1))).status).to.equal(413);
    expect((await chunk(uploadId, 0, randomBytes(CHUNK))).status).to.equal(200);
    const more = await begin('more', randomBytes(10));
    expect((await chunk(more.uploadId, 0, randomBytes(11))).status).to.equal(413);
    for (const data of ['AAA', 'A?==', 'AAAA AAAA', '%41%41', '====', 'AA=A']) {
      const asked = { token, uploadId: more.uploadId, offset: 0, data };
      expect((await client.ask('send_file_chunk_request', asked)).status, data).to.equal(400);
    }
    const raw = ` ~ Line_1: ${token} ~ Line_2: ${more.uploadId} ~ Line_3: 0 ~ Line_4: `;
    expect((await client.raw('send_file_chunk_request', `${raw}AA*A`)).rest).to.match(/Status: 400/);
    expect((await client.raw('send_file_chunk_request', `${raw}AA\u00e9A`)).rest).to.match(/Status: 400/);
    expect((await client.raw('send_file_chunk_request', `${raw}%41AAA`)).rest, 'encoded').to.match(/Status: 200/);
  });

  it('lists 100 files at most, from the name after which to start', async () => {
    const names = Array.from({ length: 130 }, (_, i) => `file ${String(i).padStart(3, '0')}, ~\u{1f600}`);
    for (const name of [...names].reverse()) await send(name, Buffer.from(name));
    const first = (await client.do('list_files_request', { token, after: '' })).files;
    expect(first.map((file) => file.name)).to.deep.equal(names.slice(0, 100));
    expect(first[0]).to.include({ size: Buffer.byteLength(names[0]!), time: new Date(app.nowMs).toISOString() });
    const rest = (await client.do('list_files_request', { token, after: names[99]! })).files;
    expect(rest.map((file) => file.name)).to.deep.equal(names.slice(100));
    const between = (await client.do('list_files_request', { token, after: 'file 099a' })).files;
    expect(between[0]!.name).to.equal(names[100]);
  });

  it('gives up uploads that nobody goes on with, and bounds how many there are', async () => {
    const bytes = randomBytes(100);
    const { uploadId } = await begin('a', bytes);
    await chunk(uploadId, 0, bytes.subarray(0, 50));
    expect(partsOnDisk().length).to.equal(1);
    app.nowMs += UPLOAD_ABANDONED_MS;
    token = (await client.do('login_request', { user: 'alice', password: 'a good password' })).token;
    await begin('b', bytes);
    expect(partsOnDisk()).to.deep.equal([]);
    expect((await chunk(uploadId, 50, bytes.subarray(50))).status).to.equal(404);
    expect((await begin('a', bytes)).uploadId).to.not.equal(uploadId);
    for (let i = 2; i < UPLOADS_PER_USER_MAX; i += 1) await begin(`more ${i}`, bytes);
    const one = { token, name: 'one more', size: 1, sha256: '0'.repeat(64) };
    expect((await client.ask('send_file_begin_request', one)).status).to.equal(429);
  });

  it('removes parts that a crash left without a row', async () => {
    const bytes = randomBytes(100);
    await send('kept', bytes);
    const { uploadId } = await begin('a', bytes);
    await chunk(uploadId, 0, bytes.subarray(0, 50));
    const before = partsOnDisk();
    rmSync(join(folder, 'file-store', 'files', before[1]!));
    const orphan = join(folder, 'file-store', 'files', 'part-1-999');
    await import('node:fs').then((fs) => fs.writeFileSync(orphan, 'x'));
    await app.restart('file-store');
    expect(partsOnDisk()).to.deep.equal([before[0]]);
    expect((await begin('a', bytes)).offset, 'what is not there is not counted').to.equal(0);
  });

  it('is unharmed by a file-transfer that fails in the middle', async () => {
    const bytes = randomBytes(CHUNK * 4);
    const { uploadId } = await begin('a', bytes);
    let failed = 0;
    app.intercept = (service, request) => {
      if (service !== 'file-store' || request.type !== 'store_chunk_request') return null;
      failed += 1;
      return failed === 2 ? new PlugError(503, 'gone', 250) : null;
    };
    const answers = await Promise.all(
      [0, 1, 2, 3].map((i) => chunk(uploadId, i * CHUNK, bytes.subarray(i * CHUNK, (i + 1) * CHUNK))),
    );
    expect(answers.map((answer) => answer.status)).to.deep.equal([200, 503, 409, 409]);
    expect(answers[1]).to.include({ data: '250' });
    const { offset } = await begin('a', bytes);
    await sendFrom(uploadId, offset, bytes);
    expect((await end(uploadId)).status).to.equal(200);
  });
});
