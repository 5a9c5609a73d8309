/**
 * What a seed is like: its cluster, its network, and the mix of faults it has.
 *
 * Lives here: drawing the options of one seed. Does not live here: any fault. A swarm: no seed has every fault at its
 * usual rate. One that has nothing but agents that crash, or cuts and migrations alone, gets deeper into its corner
 * than a seed with a little of everything.
 */
import type { Fault } from './faults/fault.ts';
import { FAULTS } from './faults/table.ts';
import { GRAPHS } from './graphs.ts';
import { Random } from './random.ts';
import { CALM, type WorldOptions } from './options.ts';

export interface Swarm {
  readonly graph: string;
  readonly world: WorldOptions;
  /** Faults of this seed, with their rates a second. */
  readonly rates: readonly { readonly fault: Fault; readonly rate: number }[];
  /** After healing the cluster is left alone until every tombstone is gone, to see that nothing leaks. */
  readonly isLong: boolean;
}

/** Share of faults a seed has. */
const ENABLED_SHARE = 0.4;
/** One seed in so many is left alone long enough to see everything forgotten. */
const LONG_EVERY = 25;

export function swarmOf(seed: number): Swarm {
  const chance = new Random(seed, 'swarm');
  const pair = chance.pick(GRAPHS);
  const isFast = chance.chance(0.5);
  const world: WorldOptions = {
    ...CALM,
    seed,
    graph: pair.first,
    edited: pair.edited,
    nodes: chance.between(2, 4),
    users: chance.between(1, 4),
    thinkUs: isFast ? [10_000, 200_000] : [100_000, 1_500_000],
    delayUs: chance.chance(0.7) ? [100, 900] : [2_000, 40_000],
    lateShare: chance.chance(0.3) ? 0.02 : 0,
    splitShare: chance.chance(0.3) ? 0.2 : 0,
  };
  const intensity = 0.3 + chance.next() * 2.5;
  const rates = FAULTS.filter(() => chance.chance(ENABLED_SHARE)).map((fault) => ({
    fault,
    rate: fault.rate * intensity * (0.5 + chance.next() * 2),
  }));
  return { graph: pair.name, world, rates, isLong: seed % LONG_EVERY === 0 };
}
