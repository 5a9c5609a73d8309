// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { changeCode } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  changeCode(
    work,
    "      if (hidesLine(segment, at, end)) return { verdict: 'refused', offset: bad, lastRecord: last };",
    "      return { verdict: 'torn', offset: bad, lastRecord: last };",
  );
  return Promise.resolve();
}
