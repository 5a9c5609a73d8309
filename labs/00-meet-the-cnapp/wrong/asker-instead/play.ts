/** A wrong answer: the instance that asked for the session, in place of the one that serves. */
import type { Work } from '../../../runner/api.ts';

export async function answer(work: Work): Promise<void> {
  work.write('answers.yaml', work.text('answers.yaml').replace(/^served_by: .*/m, 'served_by: "api-gateway/1"'));
  await Promise.resolve();
}
