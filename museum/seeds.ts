/**
 * Seeds of the simulator that find a mutant: the run breaks a law with it, and holds every law without it.
 *
 * Lives here: looking for the first such seed, and whether one still does. Does not live here: the simulator (sim/), the page.
 *
 * Theory. A seed is a run of these cores. Change a line of a core and another message has another number, another moment,
 * another fate: the seed may find nothing any more. So seeds stand in no mutant; they are findings, belong to a version,
 * and are looked for again (`npm run museum -- --find-seeds`).
 */
import { catchMutant, runCatcher, runInTree, type Catch } from './catch.ts';
import type { Mutant } from './mutant.ts';
import { ROOT, type Tree } from './tree.ts';

/** So many seeds are tried, from 1 on. */
export const SEEDS_MAX = 400;
/** A search for one seed takes no longer: a mutant may turn a run into an endless one. */
const SEARCH_MS_MAX = 30 * 60_000;

/** A seed, and what its run comes to. */
export interface SeedFinding {
  readonly seed: number;
  /** The law, what broke it, and after how many events. */
  readonly what: string;
  /** Processor time of that one run, the start of Node included, in milliseconds. */
  readonly cpuMs: number;
}

/** Can the simulator meet it: is it in a core that a simulated cluster runs? */
export function isOfAMachine({ file }: Mutant): boolean {
  return /^(manager\/core|agent\/core|services\/kit\/core|ssmmp\/core)\//.test(file);
}

/** The first seed from `from` on that finds this mutant, among the `count` next; null: none does. */
export async function findSeed(tree: Tree, mutant: Mutant, from = 1, count = SEEDS_MAX): Promise<SeedFinding | null> {
  tree.plant(mutant);
  for (let next = from; next < from + count;) {
    const seed = await firstBroken(tree.folder, next, from + count - next);
    if (seed === null) return null;
    const found = await trySeed(tree, mutant, seed);
    if (found !== null) return found;
    next = seed + 1;
  }
  return null;
}

/** What this seed finds of the mutant; null: nothing, or it breaks a law without the mutant too. */
export async function trySeed(tree: Tree, mutant: Mutant, seed: number): Promise<SeedFinding | null> {
  const { caught, what, cpuMs }: Catch = await catchMutant(tree, mutant, { by: 'seed', seed });
  if (!caught) return null;
  const { code } = await runCatcher({ by: 'seed', seed }, ROOT);
  return code === 0 ? { seed, what, cpuMs } : null;
}

/** The first seed whose run in this tree breaks a law. */
async function firstBroken(folder: string, from: number, count: number): Promise<number | null> {
  const words = ['--seeds', count, '--from', from, '--workers', 1, '--failures', 1, '--no-shrink', '--lines', 1];
  const { output } = await runInTree(['sim-cli/main.ts', ...words.map(String)], folder, SEARCH_MS_MAX);
  const seeds = [...output.matchAll(/^seed (\d+) breaks a law$/gm)].map(([, seed]) => Number(seed));
  return seeds.length === 0 ? null : Math.min(...seeds);
}
