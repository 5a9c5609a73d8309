// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'likes.ts',
    'import { runService }',
    "import { setTimeout as sleep } from 'node:timers/promises';\nimport { runService }",
  );
  change(work, 'likes.ts', 'const answer = await commit(store, [', 'const written = commit(store, [');
  change(
    work,
    'likes.ts',
    'if (statusOf(answer) !== 409) return answer;',
    `// A user must not wait.
    const answer = await Promise.race([written, sleep(200, okRest())]);
    if (statusOf(answer) === 409) continue;
    void written.then((late) => (statusOf(late) === 409 ? likeOnce(store, like) : late));
    return answer;`,
  );
  return Promise.resolve();
}
