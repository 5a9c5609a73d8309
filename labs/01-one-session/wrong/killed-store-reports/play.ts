/** A wrong answer: the store that was killed says so. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'dest-killed', () => [
    'dest -> agent dest_service_session_close_info',
    'agent -> Manager dest_service_session_close_info',
  ]);
  return Promise.resolve();
}
