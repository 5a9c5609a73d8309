/** A wrong answer: the response is the end. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'open', (lines) => lines.slice(0, 4));
  return Promise.resolve();
}
