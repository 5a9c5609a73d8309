// One thing of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'pass.mjs',
    "if (passed !== '' && !to.write(passed, 'latin1')) {",
    "if (passed !== '' && !to.write(passed, 'latin1') && false) {",
  );
  return Promise.resolve();
}
