// A grant on its way while the instance drains is another matter: here the grant itself is new.
import type { Work } from '../../../runner/api.ts';
import { rename } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  rename(work, 2, 'manager', 'R33');
  return Promise.resolve();
}
