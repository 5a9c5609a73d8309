// The start is thought to know what the torn journal holds; why it is wrong stands in lab.yaml.
import { parse } from 'yaml';
import type { Work } from '../../../runner/api.ts';
import type { Answers } from '../../answers.ts';
import { change } from '../../change.ts';

export function answer(work: Work): Promise<void> {
  const { tear } = parse(work.text('answers.yaml')) as Answers;
  change(work, 'mirror', () => ({ comes_back: 'prefix', last_record: tear.last_record }));
  return Promise.resolve();
}
