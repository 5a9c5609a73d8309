/** A wrong answer: the fault comes just after an answer. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  const sum = '3 * instanceHealthMs + heartbeatMs';
  change(work, 'formulas', { hang_at_least: sum, hang_at_most: sum });
  return Promise.resolve();
}
