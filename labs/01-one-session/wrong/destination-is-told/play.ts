/** A wrong answer: the destination is told whom to expect. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'open', (lines) => [...lines.slice(0, 4), 'agent -> dest session_response', ...lines.slice(4)]);
  return Promise.resolve();
}
