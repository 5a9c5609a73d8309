// One thing of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  // `toString()` of each piece by itself: what is cut in two becomes two question marks
  change(
    work,
    'pass.mjs',
    "  from.setEncoding('latin1');\n  from.on('data', (text) => {",
    "  from.on('data', (bytes) => {\n    const text = bytes.toString();",
  );
  change(work, 'pass.mjs', "to.write(passed, 'latin1')", 'to.write(passed)');
  return Promise.resolve();
}
