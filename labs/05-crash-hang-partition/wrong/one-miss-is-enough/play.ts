/** A wrong answer: one missed answer is enough. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'predict', { hang_given_up: [500, 1900] });
  return Promise.resolve();
}
