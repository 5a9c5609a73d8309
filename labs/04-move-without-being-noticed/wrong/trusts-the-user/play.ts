// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(work, FILE, 'if (piece.sha256 !== upload.sha256) {', 'if (piece.length !== upload.sizeBytes) {');
  return Promise.resolve();
}
