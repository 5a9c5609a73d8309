// Measures, shortly, and answers.
import { randomInt } from 'node:crypto';
import type { Work } from '../../runner/api.ts';
import { answerFrom } from '../driver/answers.ts';

/** As in check.ts. */
const SUBNETS_FROM = 140;
const SUBNETS_TO = 190;

export async function operate(work: Work): Promise<void> {
  const words = ['--rounds', '3', '--seconds', '1', '--clone', work.places.root];
  const subnet = ['--subnet', `127.${randomInt(SUBNETS_FROM, SUBNETS_TO)}`];
  const ran = await work.node(work.path('measure.mjs'), [...words, ...subnet], { deadlineMs: 170_000 });
  if (ran.code !== 0) throw new Error(ran.err);
}

export function answer(work: Work): Promise<void> {
  answerFrom(work);
  return Promise.resolve();
}
