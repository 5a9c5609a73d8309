// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'likes.ts', '      { key: doneAt, value: like.post, version: 0 },\n', '');
  change(
    work,
    'likes.ts',
    'if (statusOf(answer) !== 409) return answer;',
    `if (statusOf(answer) === 200) return await commit(store, [{ key: doneAt, value: like.post, version: 'any' }]);
    if (statusOf(answer) !== 409) return answer;`,
  );
  return Promise.resolve();
}
