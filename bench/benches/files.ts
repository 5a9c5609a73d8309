// Files: 16 MB up and down in chunks over three hops, against the bare base64 chain.
//
// Gateway, file-transfer and file-store of the app, against two links of chain.mjs and files.mjs. Up in chunks of 32 KiB, down
// in chunks of 128 KiB, with a few requests under way, as `cnapp` does it. The app always hashes the file and has it on disk
// before it answers `end`; the baseline hashes nothing, and has it on disk in the second pair of rows only.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import { inFlight, startApp, User } from '../lib/app.ts';
import { startNode, type Child } from '../lib/children.ts';
import { openClient, type LineClient } from '../lib/line-client.ts';
import { compared, type Row } from '../lib/report.ts';
import { turnByTurn } from '../lib/rounds.ts';

const ADDRESS = '127.0.46.21';
const SIZE = 16 * 1024 * 1024;
const UP_CHUNK = 32 * 1024;
const DOWN_CHUNK = 128 * 1024;
const UNDER_WAY = 16;
const MB = 1e6;

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 2 : 8;
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const content = randomBytes(SIZE);
  const app = await startApp();
  const rows: Row[] = [];
  try {
    const user = await User.connect();
    const token = await user.enter('bench-user', 'a password of some length');
    let files = 0;
    for (const durability of ['no-fsync', 'fsync']) {
      const bare = await startBareFiles(folder, durability);
      const client = new BareUser(await openClient(ADDRESS, 42031));
      const found = await turnByTurn(
        rounds,
        async () => ({ up: await bareUp(client, content), down: await bareDown(client) }),
        async () => {
          const name = `file-${(files += 1)}`;
          return { up: await appUp(user, token, name, content), down: await appDown(user, token, name) };
        },
      );
      const against = durability === 'fsync' ? ', against a chain that fsyncs' : '';
      rows.push(
        compared(`files: 16 MB up${against}`, 'MB/s', found['up'], {
          limit: { atLeast: 0.8 },
          ...(against === '' ? { reference: { value: 223, moreIsBetter: true } } : {}),
        }),
        compared(`files: 16 MB down${against}`, 'MB/s', found['down'], {
          limit: { atLeast: 0.8 },
          ...(against === '' ? { reference: { value: 208, moreIsBetter: true } } : {}),
        }),
      );
      await Promise.all(bare.map((child) => child.end()));
    }
    user.close();
  } finally {
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
};

async function startBareFiles(folder: string, durability: string): Promise<Child[]> {
  const chain: Child[] = [];
  for (const args of [
    ['bench/baselines/files.mjs', ADDRESS, '42033', folder, durability],
    ['bench/baselines/chain.mjs', ADDRESS, '42032', '42033'],
    ['bench/baselines/chain.mjs', ADDRESS, '42031', '42032'],
  ]) {
    const link = startNode(args);
    await link.line(/^ready/);
    chain.push(link);
  }
  return chain;
}

/** A client of the bare chain: `ID WORDS` out, the rest of the line with that id back. */
class BareUser {
  private readonly client: LineClient;
  private readonly waiting = new Map<number, (rest: string) => void>();
  private lastId = 0;

  constructor(client: LineClient) {
    this.client = client;
    client.onLine = (line) => {
      const space = line.indexOf(' ');
      const id = Number(line.slice(0, space));
      this.waiting.get(id)?.(line.slice(space + 1));
      this.waiting.delete(id);
    };
  }

  ask(words: string): Promise<string> {
    const id = (this.lastId += 1);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.client.socket.write(`${id} ${words}\n`, 'latin1');
    });
  }
}

async function bareUp(client: BareUser, content: Buffer): Promise<number> {
  const started = performance.now();
  await client.ask('begin bare-file');
  await inFlight(SIZE / UP_CHUNK, UNDER_WAY, (index) => {
    const offset = index * UP_CHUNK;
    return client.ask(`put ${offset} ${content.toString('base64', offset, offset + UP_CHUNK)}`);
  });
  await client.ask('end');
  return rate(started);
}

async function bareDown(client: BareUser): Promise<number> {
  const started = performance.now();
  let bytes = 0;
  await inFlight(SIZE / DOWN_CHUNK, UNDER_WAY, async (index) => {
    const answer = await client.ask(`get ${index * DOWN_CHUNK} ${DOWN_CHUNK}`);
    bytes += Buffer.from(answer.slice(answer.indexOf(' ') + 1), 'base64').length;
  });
  if (bytes !== SIZE) throw new Error(`${bytes} bytes came back`);
  return rate(started);
}

async function appUp(user: User, token: string, name: string, content: Buffer): Promise<number> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const started = performance.now();
  const begin = await user.demand('send_file_begin_request', token, name, String(SIZE), sha256);
  const upload = begin.lines.get('Line_3') as string;
  await inFlight(SIZE / UP_CHUNK, UNDER_WAY, (index) => {
    const offset = index * UP_CHUNK;
    return user.demand(
      'send_file_chunk_request',
      token,
      upload,
      String(offset),
      content.toString('base64', offset, offset + UP_CHUNK),
    );
  });
  await user.demand('send_file_end_request', token, upload);
  return rate(started);
}

async function appDown(user: User, token: string, name: string): Promise<number> {
  const started = performance.now();
  let bytes = 0;
  await inFlight(SIZE / DOWN_CHUNK, UNDER_WAY, async (index) => {
    const answer = await user.demand('get_file_request', token, name, String(index * DOWN_CHUNK), String(DOWN_CHUNK));
    bytes += Buffer.from(answer.lines.get('Line_3') as string, 'base64').length;
  });
  if (bytes !== SIZE) throw new Error(`${bytes} bytes came back`);
  return rate(started);
}

function rate(started: number): number {
  return SIZE / MB / ((performance.now() - started) / 1000);
}
