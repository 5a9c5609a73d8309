// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    FILE,
    'const appended = await pieces.append(pieceOf(user, uploadId), offset, data);',
    `const trouble = { added: true, length: 0 }; // the next chunk will tell
    const appended = await pieces.append(pieceOf(user, uploadId), offset, data).catch(() => trouble);`,
  );
  return Promise.resolve();
}
