// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { changeCode } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  changeCode(
    work,
    '  const offset = bad ?? at;\n',
    "  const rest = at < segment.length ? readLine(segment, at, segment.length) : null;\n  if (bad === null && rest !== null) return { verdict: 'sound', offset: segment.length, lastRecord: last + 1 };\n  const offset = bad ?? at;\n",
  );
  return Promise.resolve();
}
