// One thing of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'pass.mjs',
    '  right.pipe(left);\n  tie(left, right);',
    "  right.pipe(left);\n  left.on('end', () => right.destroy());\n  tie(left, right);",
  );
  return Promise.resolve();
}
