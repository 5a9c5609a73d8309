// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(work, FILE, 'if (appended.added || next <= appended.length)', 'if (appended.added)');
  return Promise.resolve();
}
