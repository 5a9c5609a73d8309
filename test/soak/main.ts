/**
 * `npm run soak`: the long form of test/e2e/moves.test.ts. A real cluster, users at work, a thousand migrations in a
 * row with scaling and drained nodes in between, and not one request that fails.
 *
 *     npm run soak                                    until a thousand migrations or an hour is over
 *     npm run soak -- --seconds 120 --moves 200 --seed 7 --subnet 127.0.53 --strict-1.1
 *     npm run soak -- --kills                         kill instances meanwhile, the new ones of a move too
 *
 * Lives here: which move comes next (chance from the seed), counting, the verdict. Does not live here: the users
 * (test/e2e/traffic.ts), the laws (load/core/checker.ts). Exit code 0: nothing failed, nothing was lost, no request took
 * longer than its limit; 1 else.
 */
import { parseArgs } from 'node:util';
import { checkHistory } from '../../load/core/checker.ts';
import { violationText } from '../../load/core/history.ts';
import { Chance } from '../../load/core/work.ts';
import { Cluster, type InstanceRow } from '../e2e/cluster.ts';
import { OperatorPort } from '../e2e/operator-port.ts';
import { sleep, type Done } from '../e2e/plain-user.ts';
import { storedPosts } from '../e2e/stored-posts.ts';
import { Traffic } from '../e2e/traffic.ts';

/** Longest a request may take while a stateless service, or a BaaS, moves. */
const STALL_SERVICE_MS = 1000;
const STALL_BAAS_MS = 2000;
/** The same where instances are killed: a store is started again, and what was under way is sent again. */
const STALL_KILL_MS = 5000;
/** Of all moves, with --kills, those during which an instance is killed; with more a service counts as crash-looping. */
const KILL_SHARE = 0.07;
const SCALABLE = ['registration', 'login', 'post', 'table', 'file-transfer'];
const STORES = ['users-db', 'posts-db', 'file-store'];
const NODES = 3;
/** A move is told with its stall when it took longer than this. */
const NOTABLE_MS = 500;
const TOLD_EVERY = 25;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3600' },
    moves: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    subnet: { type: 'string', default: '127.0.53' },
    kills: { type: 'boolean', default: false },
    'strict-1.1': { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const movesMost = Number(values.moves);
const chance = new Chance(Number(values.seed));
const complaints: string[] = [];
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (isStopped = true));

const cluster = await Cluster.start(values.subnet, values['strict-1.1'] ? ['--strict-1.1'] : []);
try {
  await soak();
} finally {
  await cluster.stop();
}
console.log(complaints.length === 0 ? 'soak: nothing failed' : `soak: ${complaints.length} complaints`);
process.exit(complaints.length === 0 ? 0 : 1);

async function soak(): Promise<void> {
  const operator = new OperatorPort(cluster.manager, cluster.stateDir);
  const traffic = new Traffic(
    { hosts: Array.from({ length: NODES }, (_, at) => cluster.node(at + 1)), port: 8080 },
    { users: 16, comers: 2, uploads: 2, downloads: 2, fileBytes: 2_000_000, thinkMs: 30 },
  );
  await traffic.start();
  const from = performance.now();
  const worst: Record<string, number> = {};
  let migrations = 0;
  let seen = 0;
  while (!isStopped && migrations < movesMost && performance.now() - from < seconds * 1000) {
    const move = await nextMove(operator);
    if (move === null) continue;
    const begun = performance.now();
    try {
      const kill = values.kills && chance.next() < KILL_SHARE;
      await Promise.all([operator.command(move.body), kill ? killSomeone(operator) : null]);
    } catch (error) {
      // What is killed meanwhile may make a move impossible.
      if (values.kills) console.log(`  ${(error as Error).message}`);
      else complain(`${move.text}: ${(error as Error).message}`);
    }
    if (move.body['command'] === 'drain') await operator.command({ command: 'uncordon', node: move.body['node'] });
    if (move.body['command'] === 'migrate') migrations += 1;
    const took = performance.now() - begun;
    await traffic.settled(performance.now());
    const [failed, longest] = judge(traffic.done.slice(seen));
    seen = traffic.done.length;
    for (const done of failed) complain(`${move.text}: ${tell(done)}`);
    if (longest !== null && duration(longest) > (values.kills ? STALL_KILL_MS : move.stallMs))
      complain(`${move.text}: a stall: ${tell(longest)}`);
    else if (longest !== null && duration(longest) > NOTABLE_MS) console.log(`  ${move.text}: ${tell(longest)}`);
    worst[move.kind] = Math.max(worst[move.kind] ?? 0, longest === null ? 0 : duration(longest));
    if (move.body['command'] === 'migrate' && migrations % TOLD_EVERY === 0)
      console.log(
        `${migrations} migrations, ${Math.round((performance.now() - from) / 1000)} s, ${seen} requests, ` +
          `last ${Math.round(took)} ms, worst stalls ${worstText(worst)}, ${complaints.length} complaints`,
      );
  }
  await traffic.stop();
  traffic.close();
  for (const wrong of traffic.wrongFiles) complain(wrong);
  const violation = checkHistory(traffic.history);
  if (violation !== null) complain(violationText(violation));
  const stored = await storedPosts(cluster.stateDir);
  for (const [text, id] of traffic.posted)
    if (stored.get(text)?.join() !== id)
      complain(`'${text}' was acknowledged as ${id} and is stored as ${stored.get(text)?.join() ?? 'nothing'}`);
  console.log(
    `${migrations} migrations in ${Math.round((performance.now() - from) / 1000)} s, ${traffic.done.length} requests, ` +
      `${traffic.done.filter(({ repeats }) => repeats.length > 0).length} of them sent again, ${traffic.posted.size} posts, ` +
      `${traffic.files} files; worst stalls ${worstText(worst)}`,
  );
}

interface Move {
  readonly kind: string;
  readonly text: string;
  readonly body: Record<string, unknown>;
  readonly stallMs: number;
}

/** Mostly a migration; null when the instance that chance chose is not on. */
async function nextMove(operator: OperatorPort): Promise<Move | null> {
  const dice = chance.next();
  if (dice < 0.1) {
    const service = SCALABLE[chance.below(SCALABLE.length)] as string;
    const replicas = 1 + chance.below(3);
    const body = { command: 'scale', service, replicas };
    return { kind: 'scale', text: `scale ${service} to ${replicas}`, body, stallMs: STALL_SERVICE_MS };
  }
  if (dice < 0.15) {
    const node = String(1 + chance.below(NODES));
    return { kind: 'drain', text: `drain ${node}`, body: { command: 'drain', node }, stallMs: STALL_BAAS_MS };
  }
  const rows = await operator.on();
  const row = rows[chance.below(rows.length)] as InstanceRow | undefined;
  if (row === undefined) return null;
  const { service_name: name, service_instance_id: id } = row;
  const isStore = STORES.includes(name);
  return {
    kind: isStore ? 'migrate BaaS' : 'migrate',
    text: `migrate ${name}/${id}`,
    body: { command: 'migrate', instance: String(id) },
    stallMs: isStore ? STALL_BAAS_MS : STALL_SERVICE_MS,
  };
}

/** Any instance, the new one of the move as well. */
async function killSomeone(operator: OperatorPort): Promise<void> {
  await sleep(100 * chance.next());
  const rows = (await operator.list<InstanceRow>('instances')).filter(({ pid }) => pid > 0);
  const row = rows[chance.below(rows.length)];
  if (row === undefined) return;
  console.log(`  kills ${row.service_name}/${row.service_instance_id} (${row.status})`);
  try {
    process.kill(row.pid, 'SIGKILL');
  } catch (error) {
    console.log(`  it is gone already: ${(error as Error).message}`);
  }
}

function judge(list: readonly Done[]): [failed: Done[], longest: Done | null] {
  let longest: Done | null = null;
  for (const done of list) if (longest === null || duration(done) > duration(longest)) longest = done;
  return [list.filter(({ status }) => status !== 200), longest];
}

function complain(text: string): void {
  complaints.push(text);
  console.log(`! ${text}`);
}

function tell(done: Done): string {
  const again = done.repeats.length === 0 ? '' : `, sent again: ${done.repeats.slice(0, 5).join('; ')}`;
  return `${done.type} ${done.status} ${Math.round(duration(done))} ms ${done.said}${again}`;
}

function worstText(worst: Readonly<Record<string, number>>): string {
  return Object.entries(worst)
    .map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`)
    .join(', ');
}

function duration({ startMs, endMs }: Done): number {
  return endMs - startMs;
}
