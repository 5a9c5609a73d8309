/** A wrong answer: the Manager asks both ends. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'manager-closes', (lines) => [
    ...lines.filter((line) => !line.includes(' dest_')),
    'Manager -> agent dest_service_session_close_request',
    'agent -> dest dest_service_session_close_request',
    'dest -> agent dest_service_session_close_response',
    'agent -> Manager dest_service_session_close_response',
  ]);
  return Promise.resolve();
}
