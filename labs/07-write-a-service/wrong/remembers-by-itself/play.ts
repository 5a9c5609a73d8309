// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'likes.ts', 'const countKey', 'const remembered = new Map<string, string>();\nconst countKey');
  change(
    work,
    'likes.ts',
    'const [count = NOTHING, done = NOTHING] = await read(store, [countAt, doneAt]);',
    `const [count = NOTHING] = await read(store, [countAt]);
    const done = { value: remembered.get(doneAt) ?? '', version: remembered.has(doneAt) ? 1 : 0 };`,
  );
  change(work, 'likes.ts', '      { key: doneAt, value: like.post, version: 0 },\n', '');
  change(
    work,
    'likes.ts',
    'if (statusOf(answer) !== 409) return answer;',
    `if (statusOf(answer) === 200) remembered.set(doneAt, like.post);
    if (statusOf(answer) !== 409) return answer;`,
  );
  return Promise.resolve();
}
