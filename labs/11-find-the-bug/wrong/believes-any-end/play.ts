// The agent is looked at instead of the connection: the end of the old one still ends the new one.
import type { Work } from '../../../runner/api.ts';
import { mend } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  mend(work, 3, "if (agent === undefined || agent.status === 'lost') return;");
  return Promise.resolve();
}
