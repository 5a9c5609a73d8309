/** A wrong answer: the source that was killed says so. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'source-killed', () => [
    'source -> agent source_service_session_close_info',
    'agent -> Manager source_service_session_close_info',
  ]);
  return Promise.resolve();
}
