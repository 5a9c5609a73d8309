/**
 * `npm run soak`: a real cluster, users at work, and an hour of trouble. Nothing acknowledged may be lost or be there twice.
 *
 * Lives here: options, users, the verdict in the end. Does not live here: the trouble (kills.ts, moves.ts). Exit code 0:
 * nothing failed, nothing was lost, no request took longer than its limit; 1 else.
 */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Argument } from 'commander';
import { commandLine, someOf, wholeNumber } from '../../scripts/command-line.ts';
import { Cluster } from '../e2e/cluster.ts';
import { Traffic } from '../e2e/traffic.ts';
import { KILL_KINDS, killAtRandom, type KillKind } from './kills.ts';
import { moveAtRandom } from './moves.ts';
import { Verdict } from './verdict.ts';

const NODES = 3;

interface SoakOptions {
  readonly seconds?: number;
  readonly moves: number;
  readonly every: number;
  readonly only?: KillKind[];
  readonly seed: number;
  readonly keep?: string;
  readonly subnet: string;
  readonly kills: boolean;
  readonly 'strict-1.1': boolean;
}

const command = commandLine('soak', 'a real cluster, users at work, and trouble; nothing acknowledged may be lost', [
  ['kills', 'every 5 s something is killed, for ten minutes'],
  ['kills --seconds 60 --every 3 --only instance', 'only instances, more often'],
  ['moves', 'a thousand migrations in a row, an hour at most'],
  ['moves --moves 200 --kills', '… killing instances meanwhile, the new ones of a move too'],
])
  .addArgument(new Argument('[form]', 'which trouble').choices(['moves', 'kills']).default('moves'))
  .option('--seconds <count>', 'how long (kills: 600, moves: 3600 at most)', wholeNumber(1, 86_400))
  .option('--moves <count>', 'how many migrations', wholeNumber(1, 1e6), 1000)
  .option('--every <seconds>', 'between two kills', wholeNumber(1, 600), 5)
  .option('--only <kinds>', `kills of these kinds: ${KILL_KINDS.join(',')}`, someOf(KILL_KINDS))
  .option('--kills', 'moves: kill instances meanwhile', false)
  .option('--seed <n>', 'which trouble comes when', wholeNumber(0, 1e15), 1)
  .option('--keep <dir>', 'leave journal, traces and logs there, without the stores')
  .option('--subnet <a.b.c>', 'addresses of the cluster', '127.0.53')
  .option('--strict-1.1', 'no extensions of the protocol', false)
  .parse();
const values = command.opts<SoakOptions>();
const form = command.processedArgs[0] as 'moves' | 'kills';
const kinds = values.only ?? null;
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
      seconds: values.seconds ?? 600,
      everyMs: values.every * 1000,
      seed: values.seed,
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
      seconds: values.seconds ?? 3600,
      moves: values.moves,
      seed: values.seed,
      kills: values.kills,
      isStopped: () => isStopped,
    },
    verdict,
  );
  return `${migrations} migrations`;
}
