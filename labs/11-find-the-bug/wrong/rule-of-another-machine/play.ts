// The ruling speaks of the Manager, so the Manager is named; the code that breaks it is the agent's.
import type { Work } from '../../../runner/api.ts';
import { rename } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  rename(work, 1, 'manager', 'R10');
  return Promise.resolve();
}
