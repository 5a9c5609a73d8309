/**
 * Running seeds for this lab: with a student's cores, with the bug as it was planted, with the clone's own.
 *
 * Lives here: building and running the driver, and which seeds find a bug today. Does not live here: what is expected of them.
 *
 * Theory. A seed is a run of today's cores. So which seeds find a bug is never looked up: the known ones are tried on a copy that is
 * broken now, and others are looked for where too few of them still do.
 */
import type { Ran, Work } from '../../runner/api.ts';
import { Unmet } from '../../runner/api.ts';
import { overlayOf, plant } from '../bugs.ts';
import type { Bug } from '../bugs.ts';
import type { Verdict } from './simulate.ts';

const DRIVER = 'labs/11-find-the-bug/driver/simulate.ts';
/** Many times what a run needs; who needs more goes round in circles. */
const RUN_MS = 120_000;
/** Known seeds that are tried although some before them find nothing any more. */
const SPARE = 4;
/** A driver that is built: what it says to these words. */
export type Simulator = (words: readonly string[]) => Promise<readonly Verdict[]>;

/** The simulator with a student's cores, as text. Throws Unmet where they cannot be built or run. */
export async function textOf(work: Work, folder: string, words: readonly string[]): Promise<string> {
  const built = await work.bundleOver(DRIVER, overlayOf(folder));
  return printed(await work.node(built, words, { deadlineMs: RUN_MS }));
}

/** The simulator with a student's cores. Throws Unmet where they cannot be built or run. */
export async function simulatorOf(work: Work, folder: string): Promise<Simulator> {
  const built = await work.bundleOver(DRIVER, overlayOf(folder));
  return async (words) => {
    const ran = await work.judged<Verdict>(built, words, RUN_MS);
    printed(ran);
    return ran.told;
  };
}

/** The same with cores of ours: where they cannot be run, no student is to blame. */
async function simulatorOfOurs(work: Work, folder: string): Promise<Simulator> {
  const built = await work.bundleOver(DRIVER, overlayOf(folder));
  return async (words) => {
    const ran = await work.judged<Verdict>(built, words, RUN_MS);
    if (ran.code !== 0) throw new Error(`the simulator with our own cores: ${ran.isLate ? 'too late' : ran.err}`);
    return ran.told;
  };
}

function printed(ran: Ran): string {
  if (ran.code === 0) return ran.out;
  const came = ran.isLate ? `no end within ${RUN_MS / 1000} s` : ran.err.trim().slice(0, 2_000);
  throw new Unmet({ expected: 'cores that can be run', came });
}

/** The clone's own cores, built once a run. */
export function ours(work: Work): Promise<Simulator> {
  return work.once('ours', (all) => simulatorOfOurs(all, all.places.root));
}

/**
 * At most `want` seeds that find this bug in today's cores and hold without it: of those that are known, then of the `count` next
 * from `from` on.
 */
export function breakingSeeds(
  work: Work,
  bug: Bug,
  want: number,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<readonly number[]> {
  return work.once(`breaking-${bug.number}-${want}-${from}`, async (all) => {
    const folder = all.scratch(`planted-${bug.number}`);
    plant(bug, all.places.root, folder);
    const [broken, whole] = await Promise.all([simulatorOfOurs(all, folder), ours(all)]);
    const tried = bug.seeds.slice(0, want + SPARE);
    const found = (await broken(['first', String(want), ...tried.map(String)])).slice();
    if (found.length < want)
      found.push(...(await broken(['find', String(want - found.length), String(from), String(count)])));
    const bare = await whole(['judge', ...found.map(({ seed }) => String(seed))]);
    return bare.filter((verdict) => verdict.broken === null).map(({ seed }) => seed);
  });
}
