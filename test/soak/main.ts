/**
 * `npm run soak`: a real cluster, users at work, and an hour of trouble. Nothing acknowledged may be lost or be there twice.
 *
 *     npm run soak -- kills                           every 5 s something is killed, for ten minutes
 *     npm run soak -- kills --seconds 60 --seed 7 --every 3 --only node-away,instance
 *     npm run soak -- kills --keep DIR                leave journal, traces and logs there (not the stores), for what is to be explained
 *     npm run soak -- moves                           a thousand migrations in a row, an hour at most
 *     npm run soak -- moves --seconds 120 --moves 200 --seed 7 --strict-1.1
 *     npm run soak -- moves --kills                   kill instances meanwhile, the new ones of a move too
 *
 * Lives here: options, users, the verdict in the end. Does not live here: the trouble (kills.ts, moves.ts). Exit code 0:
 * nothing failed, nothing was lost, no request took longer than its limit; 1 else.
 */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../e2e/cluster.ts';
import { Traffic } from '../e2e/traffic.ts';
import { KILL_KINDS, killAtRandom, type KillKind } from './kills.ts';
import { moveAtRandom } from './moves.ts';
import { Verdict } from './verdict.ts';

const NODES = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    moves: { type: 'string', default: '1000' },
    every: { type: 'string', default: '5' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'string' },
    subnet: { type: 'string', default: '127.0.53' },
    kills: { type: 'boolean', default: false },
    'strict-1.1': { type: 'boolean', default: false },
  },
});
const form = positionals[0] ?? 'moves';
if (form !== 'moves' && form !== 'kills') {
  console.error(`soak: expected 'moves' or 'kills', got '${form}'`);
  process.exit(64);
}
const kinds = values.only === undefined ? null : KILL_KINDS.filter((kind) => values.only?.split(',').includes(kind));
if (kinds?.length === 0) {
  console.error(`soak: --only ${values.only}: expected some of ${KILL_KINDS.join(',')}`);
  process.exit(64);
}
const verdict = new Verdict((line) => console.log(line));
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (isStopped = true));

const cluster = await Cluster.start(values.subnet, values['strict-1.1'] ? ['--strict-1.1'] : []);
try {
  await soak();
} finally {
  if (values.keep !== undefined) keepState(cluster.stateDir, values.keep);
  await cluster.stop();
}
const { length } = verdict.complaints;
console.log(length === 0 ? 'soak: nothing failed' : `soak: ${length} complaints`);
process.exit(length === 0 ? 0 : 1);

/** Copies the state directory without the stores' data and the sockets, before it is removed. */
function keepState(stateDir: string, to: string): void {
  const stores = join(stateDir, 'baas');
  cpSync(stateDir, to, { recursive: true, filter: (path) => path !== stores && !statSync(path).isSocket() });
}

async function soak(): Promise<void> {
  const traffic = new Traffic(
    { hosts: Array.from({ length: NODES }, (_, at) => cluster.node(at + 1)), port: 8080 },
    { users: 16, comers: 2, uploads: 2, downloads: 2, fileBytes: 2_000_000, thinkMs: 30 },
  );
  await traffic.start();
  const from = performance.now();
  const done = form === 'kills' ? await kill(traffic) : await move(traffic);
  await traffic.stop();
  traffic.close();
  await verdict.checkData(traffic, cluster.stateDir);
  console.log(`${done} in ${Math.round((performance.now() - from) / 1000)} s, ${verdict.countsText(traffic)}`);
}

async function kill(traffic: Traffic): Promise<string> {
  const counts = await killAtRandom(
    cluster,
    traffic,
    {
      seconds: Number(values.seconds ?? 600),
      everyMs: Number(values.every) * 1000,
      seed: Number(values.seed),
      kinds: kinds === null ? null : repeated(kinds),
      isStopped: () => isStopped,
    },
    verdict,
  );
  const text = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return `killed ${text.join(', ')}`;
}

function repeated(list: readonly KillKind[]): KillKind[] {
  return Array.from({ length: 10_000 }, (_, at) => list[at % list.length] as KillKind);
}

async function move(traffic: Traffic): Promise<string> {
  const migrations = await moveAtRandom(
    cluster,
    traffic,
    {
      seconds: Number(values.seconds ?? 3600),
      moves: Number(values.moves),
      seed: Number(values.seed),
      kills: values.kills,
      isStopped: () => isStopped,
    },
    verdict,
  );
  return `${migrations} migrations`;
}
