/** A wrong answer: the Manager notices a missed answer at the very moment, and not on its next beat. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'formulas', {
    hang_at_least: '2 * instanceHealthMs + instanceMissMs',
    hang_at_most: '3 * instanceHealthMs + instanceMissMs',
  });
  return Promise.resolve();
}
