/** A wrong answer: sums that come out right with the default table. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'formulas', { hang_at_least: '5 * heartbeatMs', hang_at_most: '7 * heartbeatMs' });
  return Promise.resolve();
}
