// One thing of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'answers.yaml', 'passages_of_a_post: 8', 'passages_of_a_post: 4');
  return Promise.resolve();
}
