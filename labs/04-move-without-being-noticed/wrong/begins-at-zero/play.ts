/** A wrong answer: what one would expect of an instance that knows nothing. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  const [line = ''] = /^went_on_at: .*$/m.exec(work.text('answers.yaml')) ?? [];
  change(work, 'answers.yaml', line, 'went_on_at: 0');
  return Promise.resolve();
}
