// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'policy.ts', 'const SMOOTH_MS = 1_500', 'const SMOOTH_MS = 1');
  change(
    work,
    'policy.ts',
    'const choice = wanted > desired ? wanted : isSure ? desired - 1 : desired;',
    'const choice = wanted;',
  );
  return Promise.resolve();
}
