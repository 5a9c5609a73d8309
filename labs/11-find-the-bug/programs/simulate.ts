/**
 * `npx ssmmp lab run simulate BUG …`: the simulator with the cores of bug-BUG, on its seed or another.
 *
 * Lives here: the words. Does not live here: the run (driver/).
 */
import { z } from 'zod';
import { Unmet } from '../../runner/api.ts';
import type { Work } from '../../runner/api.ts';
import { BUGS, folderOf } from '../bugs.ts';
import { textOf } from '../driver/seeds.ts';

const seedsShape = z.record(z.string(), z.number());

export async function program(work: Work, words: readonly string[]): Promise<number> {
  const [which, ...options] = words;
  const bug = BUGS.find(({ number }) => String(number) === which);
  if (bug === undefined)
    throw new Unmet({
      expected: `the number of a bug, 1 to ${BUGS.length}, such as \`npx ssmmp lab run simulate 1\``,
      came: which ?? 'nothing',
    });
  const isSaid = options.some((word) => /^--seeds?(=|$)/.test(word));
  const seed = isSaid ? undefined : work.yaml('seeds.yaml', seedsShape)[`bug_${bug.number}`];
  const command = `npx ssmmp lab run simulate ${bug.number}`;
  const words_ = ['show', command, ...(seed === undefined ? [] : ['--seed', String(seed)]), ...options];
  process.stdout.write(await textOf(work, work.path(folderOf(bug)), words_));
  return 0;
}
