// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    FILE,
    '\n  /** 200: upload id',
    `  // asked once, when this instance begins; from then on nobody needs to ask
  const places = pieces.names('upload/').then((all) => new Map(all.map(({ name, length }) => [name, length])));

  /** 200: upload id`,
  );
  change(
    work,
    FILE,
    'return okRest([id, String(await pieces.open(pieceOf(user, id), about))]);',
    `const length = await pieces.open(pieceOf(user, id), about);
    (await places).set(pieceOf(user, id), length);
    return okRest([id, String(length)]);`,
  );
  change(
    work,
    FILE,
    'const appended = await pieces.append(pieceOf(user, uploadId), offset, data);',
    `const known = await places;
    const place = known.get(pieceOf(user, uploadId));
    if (place === undefined) return noUpload();
    if (offset > place) return wrongOffset(offset, place);
    known.set(pieceOf(user, uploadId), Math.max(place, next));
    const asked = pieces.append(pieceOf(user, uploadId), offset, data);
    const appended = await asked.catch((error: unknown) => {
      known.set(pieceOf(user, uploadId), offset);
      throw error;
    });`,
  );
  return Promise.resolve();
}
