/**
 * The working folder of lab 11: for each bug a copy of the clone's cores with that bug in it, and a seed that finds it.
 *
 * Lives here: making them, from the sources as they are today. Does not live here: the bugs (bugs.ts).
 */
import type { Work } from '../runner/api.ts';
import { BUGS, folderOf, plant } from './bugs.ts';
import { breakingSeeds } from './driver/seeds.ts';

/** Where none of the known seeds finds a bug any more, the first of these that does is taken. */
const OTHERS = { from: 1, count: 600 };

export async function prepare(work: Work): Promise<void> {
  const lines: string[] = [];
  for (const bug of BUGS) {
    plant(bug, work.places.root, work.path(folderOf(bug)));
    const [seed] = await breakingSeeds(work, bug, 1, OTHERS);
    if (seed === undefined)
      throw new Error(`no seed finds bug ${bug.number}, ${bug.mutant}; give it others in bugs.ts`);
    lines.push(`bug_${bug.number}: ${seed}`);
  }
  work.write('seeds.yaml', `# A seed of the simulator for each bug: its run breaks a law.\n${lines.join('\n')}\n`);
}
