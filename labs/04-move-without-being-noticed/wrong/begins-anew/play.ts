// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    FILE,
    'return okRest([id, String(await pieces.open(pieceOf(user, id), about))]);',
    `await pieces.open(pieceOf(user, id), about);
    return okRest([id, '0']);`,
  );
  return Promise.resolve();
}
