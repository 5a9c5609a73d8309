// The agent is not registered, so the agent is to blame? It registered, and was answered 200.
import type { Work } from '../../../runner/api.ts';
import { rename } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  rename(work, 3, 'agent', 'R52');
  return Promise.resolve();
}
