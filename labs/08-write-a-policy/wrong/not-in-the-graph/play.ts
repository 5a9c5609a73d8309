// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'graph.yaml', 'policies: {scaling: ./policy.ts}\n', '');
  return Promise.resolve();
}
