/** A wrong answer: the answer comes before there is an instance. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'nobody-there', (lines) => [
    ...lines.filter((line) => !line.includes('execution_')),
    ...lines.filter((line) => line.includes('execution_')),
  ]);
  return Promise.resolve();
}
