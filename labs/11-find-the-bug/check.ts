/**
 * Lab 11: for each bug the rule that it breaks, and a repair that holds on its seed and on others.
 *
 * Lives here: the items. Does not live here: the bugs (bugs.ts), running seeds (driver/).
 *
 * Theory. Who makes one seed green has perhaps repaired nothing: another message came first, and the run went elsewhere. So a repair
 * is tried on more seeds that the bug breaks, and on fresh ones, which ask whether anything else was broken on the way. The
 * simulator and its laws are the clone's; a student's folder brings the cores alone.
 */
import { z } from 'zod';
import { defineChecks, expectThat } from '../runner/api.ts';
import type { CheckItems, Work } from '../runner/api.ts';
import { BUGS, folderOf } from './bugs.ts';
import type { Bug } from './bugs.ts';
import { breakingSeeds, ours, simulatorOf } from './driver/seeds.ts';

/** Seeds that find the bug; a repair must hold on each. */
const BREAKING = 2;
/** Seeds that are tried to find as many, where the known ones find nothing any more. */
const TRIED = 60;
/** Seeds that nobody chose. */
const FRESH = 2;
/** Seeds of a run are drawn from as many. */
const SEEDS_BELOW = 1_000_000;
const MACHINES = ['manager', 'agent', 'instance', 'all'];

const answersShape = z.record(z.string(), z.looseObject({ machine: z.string(), rule: z.string() }));
const seedsShape = z.record(z.string(), z.number().int().nonnegative());

function named(work: Work, bug: Bug): void {
  const name = `bug_${bug.number}`;
  const answer = work.yaml('answers.yaml', answersShape)[name];
  const [machine, rule] = [(answer?.machine ?? '').trim().toLowerCase(), (answer?.rule ?? '').trim().toUpperCase()];
  expectThat(MACHINES.includes(machine) && /^R\d\d$/.test(rule), {
    expected: `${name}: a machine (${MACHINES.join(', ')}) and a rule of the chapter's list, such as R10`,
    came: `machine: '${answer?.machine ?? ''}', rule: '${answer?.rule ?? ''}'`,
  });
  expectThat(machine === bug.machine && rule === bug.rule, {
    expected: 'the machine whose code is wrong, and the rule that this code breaks',
    came: `machine: ${machine}, rule: ${rule}`,
    remark: 'The one that complains is often the one that suffers. Whose step was the first that should not have been?',
  });
}

async function repaired(work: Work, bug: Bug): Promise<void> {
  const others = { from: 1 + (work.seed % SEEDS_BELOW), count: TRIED };
  // At once: `watch` waits for it.
  const [theirs, breaking] = await Promise.all([
    simulatorOf(work, work.path(folderOf(bug))),
    breakingSeeds(work, bug, BREAKING, others),
  ]);
  const given = work.yaml('seeds.yaml', seedsShape)[`bug_${bug.number}`];
  const fresh = Array.from({ length: FRESH }, () => work.chance.below(SEEDS_BELOW));
  const seeds = [...new Set([...(given === undefined ? [] : [given]), ...breaking, ...fresh])];
  const verdicts = await theirs(['judge', ...seeds.map(String)]);
  expectThat(verdicts.length === seeds.length, {
    expected: `cores that run ${seeds.length} seeds to their ends`,
    came: `they ended the program after ${verdicts.length}`,
  });
  for (const { seed, broken } of verdicts) {
    if (broken === null) continue;
    // A seed that breaks the clone as it is says nothing of the student.
    const [bare] = await (await ours(work))(['judge', String(seed)]);
    if (bare?.broken !== null) continue;
    expectThat(false, {
      expected: `seed ${seed} holds every law with the files of ${folderOf(bug)}`,
      came: `${broken.law}: ${broken.what.split('\n')[0] ?? ''} (event ${broken.event})`,
      remark: `See it: npx ssmmp lab run simulate ${bug.number} --seed ${seed}`,
    });
  }
}

const items: CheckItems = Object.fromEntries(
  BUGS.flatMap((bug) => [
    [`name-${bug.number}`, (work: Work) => named(work, bug)],
    [`repair-${bug.number}`, (work: Work) => repaired(work, bug)],
  ]),
);

export const checks = defineChecks(items);
