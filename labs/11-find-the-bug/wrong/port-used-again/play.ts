// A port that is used again is where it shows; the key is what is wrong.
import type { Work } from '../../../runner/api.ts';
import { rename } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  rename(work, 4, 'manager', 'R20');
  return Promise.resolve();
}
