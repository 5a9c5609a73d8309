// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'policy.ts', 'export function scaling', 'let last = 0;\n\nexport function scaling');
  change(work, 'policy.ts', 'memory.rate * (1 - part)', 'last * (1 - part)');
  change(work, 'policy.ts', '  const needed =', '  last = rate;\n  const needed =');
  return Promise.resolve();
}
