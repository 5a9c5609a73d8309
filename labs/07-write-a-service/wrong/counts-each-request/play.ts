// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'likes.ts', 'if (done.version > 0) return okRest();', '');
  change(work, 'likes.ts', 'value: like.post, version: 0 }', "value: like.post, version: 'any' }");
  return Promise.resolve();
}
