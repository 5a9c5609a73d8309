// One thing of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { answerFrom } from '../../driver/answers.ts';

const MADE_UP_FACTOR = 20;

export function answer(work: Work): Promise<void> {
  const rows = JSON.parse(work.text('measured.json')) as { variant: string; cpu_us_a_request: number }[];
  for (const row of rows) if (row.variant === 'forward') row.cpu_us_a_request *= MADE_UP_FACTOR;
  work.write('measured.json', JSON.stringify(rows));
  // The answers follow from the figures, so that only the figures are wrong.
  answerFrom(work);
  return Promise.resolve();
}
