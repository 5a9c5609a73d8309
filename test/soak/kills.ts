/**
 * Killing at random: every few seconds an instance, an agent, the Manager or a whole node, while users work.
 *
 * Lives here: which is killed next (chance from the seed), how a node goes, and what must be true when all has healed.
 * Does not live here: the users (test/e2e/traffic.ts), what they must see (verdict.ts).
 *
 *   instance    SIGKILL to one process
 *   agent       SIGKILL; its instances go on, `ssmmp up` starts it again and it takes them back
 *   manager     SIGKILL; `ssmmp up` starts it again from its journal
 *   node        SIGKILL to an agent and all its instances at once; only the agent is started again
 *   node-away   SIGSTOP to all of them until the node was lost and replaced, then SIGCONT: it wakes up in a changed world
 */
import { Chance } from '../../load/core/work.ts';
import { findProcesses, type FoundProcess } from '../../operator/shell/testbed-processes.ts';
import { processesNaming, until, type Cluster, type InstanceRow } from '../e2e/cluster.ts';
import { OperatorPort } from '../e2e/operator-port.ts';
import { sleep } from '../e2e/plain-user.ts';
import type { Traffic } from '../e2e/traffic.ts';
import { duration, tell, type Verdict } from './verdict.ts';

export const KILL_KINDS = ['instance', 'agent', 'manager', 'node', 'node-away'] as const;
export type KillKind = (typeof KILL_KINDS)[number];

/** How often which, of all. */
const SHARES: Readonly<Record<KillKind, number>> = { instance: 4, agent: 2, manager: 2, node: 1, 'node-away': 1 };
/** A node that goes away is lost after 5 s and replaced; it comes back a little later. */
const AWAY_MS = 7500;
/** Longest a request may take: a node is replaced within 7 s, and what hits its replacement adds to it. */
const STALL_MS = 12_000;
/** After the last kill all must be as wanted within this. */
const HEALED_MS = 30_000;
/** A stall above this is told. */
const NOTABLE_MS = 1000;

export interface KillPlan {
  readonly seconds: number;
  readonly everyMs: number;
  readonly seed: number;
  /** What is killed, in this order; null: chance says. */
  readonly kinds: readonly KillKind[] | null;
  readonly isStopped: () => boolean;
}

interface ServiceRow {
  readonly service_name: string;
  readonly desired: number;
  readonly running: number;
  readonly status: string;
}

/** Kills until the time is over or `kinds` are done, then waits until all has healed. Gives how often which was killed. */
export async function killAtRandom(
  cluster: Cluster,
  traffic: Traffic,
  plan: KillPlan,
  verdict: Verdict,
): Promise<Record<string, number>> {
  const chance = new Chance(plan.seed);
  const counts: Record<string, number> = {};
  const away = new Set<Promise<void>>();
  const from = performance.now();
  const order = plan.kinds === null ? null : [...plan.kinds];
  while (!plan.isStopped() && performance.now() - from < plan.seconds * 1000 && order?.length !== 0) {
    const begun = performance.now();
    let kind = order?.shift() ?? choose(chance);
    // One node at a time: of three, two that are gone make the Manager doubt itself, which is another test.
    if (away.size > 0 && (kind === 'node' || kind === 'node-away')) kind = 'instance';
    const victims = choosePrey(kind, chance, cluster.stateDir);
    if (victims.length === 0) {
      await sleep(50); // all of its kind are gone just now
      continue;
    }
    const what = `${new Date().toISOString().slice(11, 23)} ${Math.round((begun - from) / 1000)} s: ${kind} ${victims.map(({ name }) => name).join(', ')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind === 'node-away') {
      signalAll(victims, 'SIGSTOP');
      const back = sleep(AWAY_MS).then(() => {
        signalAll(victims, 'SIGCONT');
        away.delete(back);
      });
      away.add(back);
    } else signalAll(victims, 'SIGKILL');
    await sleep(Math.max(0, begun + plan.everyMs - performance.now()));
    const longest = verdict.judge(traffic, kind, what, STALL_MS);
    const stall = longest === null || duration(longest) < NOTABLE_MS ? '' : `; longest ${tell(longest)}`;
    verdict.say(`${what}${stall}`);
  }
  await Promise.all(away);
  await healed(cluster, verdict);
  const now = performance.now();
  await traffic.settled(now);
  await until('the users go on', () => traffic.since(now).length > 30);
  verdict.judge(traffic, 'healing', 'healing', STALL_MS);
  return counts;
}

/** All services have what is wanted, and no process runs that the Manager does not know. */
async function healed(cluster: Cluster, verdict: Verdict): Promise<void> {
  const operator = new OperatorPort(cluster.manager, cluster.stateDir);
  let missing = '';
  try {
    await until(
      'healed',
      async () => {
        missing = await whatIsMissing(cluster, operator).catch((error: unknown) => (error as Error).message);
        return missing === '';
      },
      HEALED_MS,
    );
  } catch {
    verdict.complain(`not healed ${HEALED_MS / 1000} s after the last kill: ${missing}`);
  }
}

async function whatIsMissing(cluster: Cluster, operator: OperatorPort): Promise<string> {
  const services = await operator.list<ServiceRow>('services');
  const wrong = services.filter(({ desired, running }) => running !== desired);
  if (wrong.length > 0)
    return wrong.map(({ service_name: name, desired, running }) => `${name} ${running} of ${desired}`).join(', ');
  const nodes = await operator.list<{ status: string; agent_network_address: string }>('nodes');
  const lost = nodes.filter(({ status }) => status !== 'registered');
  if (lost.length > 0) return lost.map((row) => `${row.agent_network_address} is ${row.status}`).join(', ');
  const known = new Set((await operator.list<InstanceRow>('instances')).map(({ pid }) => pid));
  const strangers = processesNaming(`${cluster.subnet}.`).filter(
    (line) => line.includes('services/') && !known.has(Number.parseInt(line, 10)),
  );
  return strangers.length === 0 ? '' : `processes the Manager does not know: ${strangers.join('; ')}`;
}

function choose(chance: Chance): KillKind {
  let left = chance.next() * KILL_KINDS.reduce((sum, kind) => sum + SHARES[kind], 0);
  for (const kind of KILL_KINDS) {
    left -= SHARES[kind];
    if (left < 0) return kind;
  }
  return 'instance';
}

function choosePrey(kind: KillKind, chance: Chance, stateDir: string): FoundProcess[] {
  const all = findProcesses(stateDir);
  const role = kind === 'manager' || kind === 'instance' ? kind : 'agent';
  const candidates = all.filter((found) => found.role === role);
  const chosen = candidates[chance.below(Math.max(1, candidates.length))];
  if (chosen === undefined) return [];
  if (kind !== 'node' && kind !== 'node-away') return [chosen];
  // The agent first: it has no time to see its children die.
  return [chosen, ...all.filter(({ role: other, node }) => other === 'instance' && node === chosen.node)];
}

function signalAll(victims: readonly FoundProcess[], signal: NodeJS.Signals): void {
  for (const { pid } of victims)
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone by itself meanwhile
    }
}
