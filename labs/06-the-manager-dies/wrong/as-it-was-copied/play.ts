// One answer of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'split', ({ old_epoch }) => ({ old_epoch: old_epoch - 1 }));
  return Promise.resolve();
}
