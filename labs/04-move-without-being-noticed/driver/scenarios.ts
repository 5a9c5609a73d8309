/**
 * What happens to the student's file-transfer in the checks of an instant, and what is expected.
 *
 * Lives here: the scenarios. Does not live here: instances and uploads (instances.ts, upload.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SEND_FILE_BEGIN_REQUEST, SEND_FILE_CHUNK_REQUEST } from '../../../services/protocols/file.ts';
import { errorRest } from '../../../services/protocols/user.ts';
import { Wrong } from './instances.ts';
import { CHUNK, expectAnswer, Upload } from './upload.ts';
import type { Bench } from './upload.ts';

const SIZE = 5 * CHUNK + 1234;
/** So long the store holds an append, and nothing may be answered. */
const HELD_MS = 300;

export const scenarios: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async alone(bench) {
    const one = await bench.instance();
    const file = new Upload('alice', 'first.bin', SIZE);
    await file.begin('begin', one, 0);
    await file.chunks(
      'chunks sent at once',
      one,
      0,
      SIZE,
      'The next chunk comes before the one before it is answered.',
    );
    expectAnswer('end', await file.end('end', one), { lines: ['first.bin'] });
    await file.expectArrived('the file', one);

    const other = new Upload('alice', 'other.bin', SIZE);
    await other.begin('begin of another file', one, 0);
    const early = await other.chunk('a chunk too far', one, CHUNK);
    expectAnswer('a chunk too far', early, { status: 409, lines: ['', '0'] });
    await other.chunks('chunks', one, 0, 2 * CHUNK);
    const gap = await other.chunk('a chunk too far', one, 3 * CHUNK);
    expectAnswer('a chunk too far', gap, { status: 409, lines: ['', String(2 * CHUNK)] });
    const unfinished = await other.end('end of half an upload', one);
    expectAnswer('end of half an upload', unfinished, { status: 409, lines: ['', String(2 * CHUNK)] });
    const unknown = await other.chunk('a chunk of no upload', one, 0, 'no-such-upload');
    expectAnswer('a chunk of no upload', unknown, { status: 404 });
    const strange = await other.chunk("a chunk of somebody else's upload", one, 2 * CHUNK, other.id, 'mallory');
    expectAnswer("a chunk of somebody else's upload", strange, { status: 404 });

    const bad = new Upload('alice', 'bad.bin', CHUNK);
    await bad.begin('begin', one, 0);
    bad.bytes[7] = (bad.bytes[7] ?? 0) ^ 1;
    await bad.chunks('a chunk with a wrong byte', one, 0);
    expectAnswer('end of an upload with a wrong byte', await bad.end('end', one), { status: 422 });
    await bad.begin('begin again after 422', one, 0, 'The upload was dropped: it begins anew.');
    for (const type of [SEND_FILE_BEGIN_REQUEST, SEND_FILE_CHUNK_REQUEST])
      expectAnswer(`${type} without its lines`, await one.ask(type, type, ''), { status: 400 });
  },

  async 'goes-on'(bench) {
    const file = new Upload('alice', 'moved.bin', SIZE);
    const first = await bench.instance();
    await file.begin('begin', first, 0);
    await file.chunks('chunks', first, 0, 2 * CHUNK);
    const second = await bench.instance();
    const remark = 'Another instance was asked: all that it knows is what the store knows.';
    await file.chunks('the next chunk, at another instance', second, 2 * CHUNK, 3 * CHUNK, remark);
    const third = await bench.instance();
    const before = file.id;
    await file.begin(
      'begin again, at a third instance',
      third,
      3 * CHUNK,
      'A user who lost the connection asks so where to go on.',
    );
    if (file.id !== before)
      throw new Wrong('begin again, at a third instance: the same upload id', `${file.id} and not ${before}`);
    await file.chunks('the other chunks, at a third instance', third, 3 * CHUNK);
    const fourth = await bench.instance();
    expectAnswer('end, at a fourth instance', await file.end('end', fourth), { lines: ['moved.bin'] }, remark);
    await file.expectArrived('the file, from a fourth instance', fourth);
  },

  async 'twice-is-once'(bench) {
    const file = new Upload('alice', 'twice.bin', SIZE);
    const one = await bench.instance();
    await file.begin('begin', one, 0);
    await file.chunks('chunks', one, 0, 3 * CHUNK);
    for (const offset of [2 * CHUNK, 0]) {
      const again = await file.chunk('again', one, offset);
      const lines = [String(offset + CHUNK)];
      expectAnswer(`the chunk at ${offset} again`, again, { lines }, 'The answer was lost, so it was sent again.');
    }
    await file.chunks('the other chunks', one, 3 * CHUNK, SIZE, 'What was sent twice is there once.');
    for (const what of ['end', 'end again']) expectAnswer(what, await file.end(what, one), { lines: ['twice.bin'] });
    await file.expectArrived('the file', one);
  },

  async 'keeps-its-word'(bench) {
    const file = new Upload('alice', 'held.bin', SIZE);
    const one = await bench.instance();
    await file.begin('begin', one, 0);
    await file.chunks('a chunk', one, 0, CHUNK);
    bench.store.refuseNext = errorRest(503, 'The disk of piece-store is full: nothing was stored.', 100);
    const refused = await file.chunk('a chunk', one, CHUNK);
    expectAnswer('a chunk that piece-store refuses with 503', refused, { status: 503 }, 'The store has not got it.');
    await file.chunks('the same chunk again', one, CHUNK, 2 * CHUNK, 'Nothing was stored the first time.');
    let release = (): void => undefined;
    bench.store.hold = new Promise((resolve) => (release = resolve));
    const held = file.chunks('a chunk that piece-store holds', one, 2 * CHUNK, 3 * CHUNK);
    const isEarly = await Promise.race([held.then(() => true), sleep(HELD_MS, false)]);
    if (isEarly)
      throw new Wrong('a chunk that piece-store has not written yet: no answer yet', '200', 'An answer is a promise.');
    release();
    await held;
    await file.chunks('the other chunks', one, 3 * CHUNK);
    expectAnswer('end', await file.end('end', one), { lines: ['held.bin'] });
    await file.expectArrived('the file', one);
  },
};
