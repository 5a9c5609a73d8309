// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { changeCode } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  changeCode(work, 'if (segment[from + at] !== digits.charCodeAt(at)) return null;', 'if (!digits) return null;');
  return Promise.resolve();
}
