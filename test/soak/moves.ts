/**
 * Moving without end: the long form of test/e2e/moves.test.ts. Migrations in a row, with scaling and drained nodes in
 * between, and not one request that fails.
 *
 * Lives here: which move comes next (chance from the seed), and killing instances meanwhile. Does not live here: the
 * users (test/e2e/traffic.ts), what they must see (verdict.ts).
 */
import { Chance } from '../../load/core/work.ts';
import type { Cluster, InstanceRow } from '../e2e/cluster.ts';
import { OperatorPort } from '../e2e/operator-port.ts';
import { sleep } from '../e2e/plain-user.ts';
import type { Traffic } from '../e2e/traffic.ts';
import { duration, tell, type Verdict } from './verdict.ts';

/** Longest a request may take while a stateless service, or a BaaS, moves. */
const STALL_SERVICE_MS = 1000;
const STALL_BAAS_MS = 2000;
/** The same where instances are killed: a store is started again, and what was under way is sent again. */
const STALL_KILL_MS = 5000;
/** Of all moves, with `kills`, those during which an instance is killed; with more a service counts as crash-looping. */
const KILL_SHARE = 0.07;
const SCALABLE = ['registration', 'login', 'post', 'table', 'file-transfer'];
const STORES = ['users-db', 'posts-db', 'file-store'];
const NODES = 3;
/** A move is told with its stall when it took longer than this. */
const NOTABLE_MS = 500;
const TOLD_EVERY = 25;

export interface MovePlan {
  readonly seconds: number;
  readonly moves: number;
  readonly seed: number;
  /** Kill instances meanwhile, the new ones of a move too. */
  readonly kills: boolean;
  readonly isStopped: () => boolean;
}

/** Moves until the number or the time is reached; gives the number of migrations. */
export async function moveAtRandom(
  cluster: Cluster,
  traffic: Traffic,
  plan: MovePlan,
  verdict: Verdict,
): Promise<number> {
  const operator = new OperatorPort(cluster.manager, cluster.stateDir);
  const chance = new Chance(plan.seed);
  const from = performance.now();
  let migrations = 0;
  while (!plan.isStopped() && migrations < plan.moves && performance.now() - from < plan.seconds * 1000) {
    const move = await nextMove(operator, chance);
    if (move === null) continue;
    const begun = performance.now();
    try {
      const kill = plan.kills && chance.next() < KILL_SHARE;
      await Promise.all([operator.command(move.body), kill ? killSomeone(operator, chance, verdict) : null]);
    } catch (error) {
      // What is killed meanwhile may make a move impossible.
      if (plan.kills) verdict.say(`  ${(error as Error).message}`);
      else verdict.complain(`${move.text}: ${(error as Error).message}`);
    }
    if (move.body['command'] === 'drain') await operator.command({ command: 'uncordon', node: move.body['node'] });
    if (move.body['command'] === 'migrate') migrations += 1;
    const took = performance.now() - begun;
    await traffic.settled(performance.now());
    const longest = verdict.judge(traffic, move.kind, move.text, plan.kills ? STALL_KILL_MS : move.stallMs);
    if (longest !== null && duration(longest) > NOTABLE_MS) verdict.say(`  ${move.text}: ${tell(longest)}`);
    if (move.body['command'] === 'migrate' && migrations % TOLD_EVERY === 0)
      verdict.say(
        `${migrations} migrations, ${Math.round((performance.now() - from) / 1000)} s, ${traffic.done.length} requests, ` +
          `last ${Math.round(took)} ms, worst stalls ${verdict.worstText}, ${verdict.complaints.length} complaints`,
      );
  }
  return migrations;
}

interface Move {
  readonly kind: string;
  readonly text: string;
  readonly body: Record<string, unknown>;
  readonly stallMs: number;
}

/** Mostly a migration; null when the instance that chance chose is not on. */
async function nextMove(operator: OperatorPort, chance: Chance): Promise<Move | null> {
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
async function killSomeone(operator: OperatorPort, chance: Chance, verdict: Verdict): Promise<void> {
  await sleep(100 * chance.next());
  const rows = (await operator.list<InstanceRow>('instances')).filter(({ pid }) => pid > 0);
  const row = rows[chance.below(rows.length)];
  if (row === undefined) return;
  verdict.say(`  kills ${row.service_name}/${row.service_instance_id} (${row.status})`);
  try {
    process.kill(row.pid, 'SIGKILL');
  } catch (error) {
    verdict.say(`  it is gone already: ${(error as Error).message}`);
  }
}
