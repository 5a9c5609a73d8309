// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'likes.ts',
    "if (typeof like === 'string') return errorRest(400, like);",
    "if (typeof like === 'string') throw new Error(like);",
  );
  return Promise.resolve();
}
