// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'likes.ts', 'const countKey', 'const counts = new Map<string, number>();\nconst countKey');
  change(
    work,
    'likes.ts',
    'const more = String(Number(count.value) + 1);',
    `const known = (counts.get(like.post) ?? Number(count.value)) + 1;
    counts.set(like.post, known);
    const more = String(known);`,
  );
  change(work, 'likes.ts', 'value: more, version: count.version }', "value: more, version: 'any' }");
  return Promise.resolve();
}
