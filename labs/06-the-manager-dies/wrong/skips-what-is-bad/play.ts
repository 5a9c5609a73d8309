// Bad lines are passed over; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { changeCode } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  changeCode(
    work,
    `      bad ??= at;
      if (hidesLine(segment, at, end)) return { verdict: 'refused', offset: bad, lastRecord: last };
`,
    '      bad = null;\n',
  );
  changeCode(
    work,
    `if (numberIn(json, 'n') !== last + 1) return { verdict: 'refused', offset: at, lastRecord: last };`,
    '',
  );
  changeCode(work, '      last += 1;\n', `      last = numberIn(json, 'n');\n`);
  return Promise.resolve();
}
