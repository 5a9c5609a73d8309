/** A wrong answer: a suspect is replaced. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'predict', { node_served: [1500, 3000] });
  return Promise.resolve();
}
