// Tries a student's pass.mjs in a process of its own: node harness.mjs PASS_FILE MODE TEST. Tells the check what came.
//
// Two pairs of connections on loopback, the function between them: a -- [left right] -- b.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { pathToFileURL } from 'node:url';

// Before the student's code is there: what the check believes begins with its secret (labs/runner/judge.ts).
const { secret } = JSON.parse(readFileSync(0, 'utf8'));
const { stringify } = JSON;
const [file, mode, test] = process.argv.slice(2);
const MEGABYTE = 1024 * 1024;
const PATIENCE_MS = 3000;

const passes = await import(pathToFileURL(file));
const pass = passes[mode];

/** Both ends of a connection. */
async function pair() {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const [near] = await once(server, 'connection');
  server.close();
  far.on('error', () => {});
  return [far, near];
}

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** All that comes until the end; null when no end comes in time. */
function all(socket) {
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const end = new Promise((resolve) => {
    socket.on('end', () => resolve(Buffer.concat(chunks)));
    socket.on('error', () => resolve(null));
  });
  return Promise.race([end, late()]);
}

const late = (ms = PATIENCE_MS) => new Promise((resolve) => setTimeout(() => resolve(null), ms));
const text = (bytes) => (bytes === null ? 'no end came' : bytes.toString());

const [a, left] = await pair();
const [b, right] = await pair();
left.on('error', () => {});
right.on('error', () => {});
pass(left, right);

const TESTS = {
  /** A megabyte of anything each way at once (as lines, since parse passes on lines). */
  async bytes() {
    const lines = () =>
      Buffer.from(
        randomBytes(MEGABYTE)
          .toString('base64')
          .replaceAll(/(.{200})/g, '$1\n') + '\n',
      );
    const [there, back] = [lines(), lines()];
    const [atB, atA] = [all(b), all(a)];
    a.end(there);
    b.end(back);
    const came = [await atB, await atA].map((bytes) => (bytes === null ? 'no end' : hash(bytes)));
    return { came: came.join(' '), expected: `${hash(there)} ${hash(back)}` };
  },
  /** One side has said all; the other still answers. */
  async halves() {
    const atB = all(b);
    a.end('question\n');
    const question = text(await atB);
    const atA = all(a);
    b.write('answer\n');
    b.end();
    return { came: JSON.stringify([question, text(await atA)]), expected: JSON.stringify(['question\n', 'answer\n']) };
  },
  /** A side that breaks, breaks the other. */
  async breaks() {
    const told = new Promise((resolve) => {
      for (const event of ['end', 'close']) b.once(event, () => resolve('the other side is told'));
    });
    b.resume();
    a.write('half a line');
    a.resetAndDestroy();
    return { came: (await Promise.race([told, late()])) ?? 'it waits for ever', expected: 'the other side is told' };
  },
  /** Messages cut and glued, with letters of two bytes; passed on as they were, and counted. */
  async messages() {
    const whole = Buffer.from(
      'Type: post ~ Message_id: 1 ~ Text: Grüße\nType: post ~ Message_id: 2\nType: read ~ Message_id: 3 ~ Text: 😀\n',
    );
    const atB = all(b);
    for (let at = 0; at < whole.length; at += 1) {
      a.write(whole.subarray(at, at + 1));
      // each byte by itself: the next one is not sent before this one was read
      while (left.bytesRead <= at) await new Promise((resolve) => setImmediate(resolve));
    }
    a.end();
    const came = await atB;
    const counts = JSON.stringify([...passes.counts].sort());
    return {
      came: `${came === null ? 'no end' : hash(came)} ${counts}`,
      expected: `${hash(whole)} ${JSON.stringify([
        ['post', 2],
        ['read', 1],
      ])}`,
    };
  },
  /** Whoever reads slowly slows down who writes: 64 MB for a reader that reads nothing must not all be taken. */
  async slow() {
    const line = Buffer.from(`Type: post ~ Message_id: 1 ~ Text: ${'x'.repeat(8000)}\n`);
    for (let sent = 0; sent < 64 * MEGABYTE; sent += line.length) a.write(line);
    const taken = await Promise.race([once(a, 'drain').then(() => 'all 64 MB were taken'), late()]);
    return { came: taken ?? 'the writer waits', expected: 'the writer waits' };
  },
};
console.log(`${secret} ${stringify(await TESTS[test]())}`);
process.exit(0);
