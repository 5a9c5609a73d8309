// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'policy.ts', 'const SMOOTH_MS = 1_500', 'const SMOOTH_MS = 15_000');
  change(work, 'policy.ts', '(rate + waiting / CATCH_UP_S)', 'rate');
  return Promise.resolve();
}
