// Each line as it was before it was broken, and what it broke.
import type { Work } from '../../runner/api.ts';
import { BUGS, mend } from '../bugs.ts';

export function answer(work: Work): Promise<void> {
  const lines = BUGS.map(({ number, machine, rule }) => `bug_${number}: {machine: ${machine}, rule: ${rule}}`);
  work.write('answers.yaml', `${lines.join('\n')}\n`);
  for (const { number } of BUGS) mend(work, number);
  return Promise.resolve();
}
