/** A wrong answer: measured from the first question that was not answered. */
import type { Work } from '../../../runner/api.ts';
import { hangsOf } from '../../failures.ts';
import { change } from '../../change.ts';

const PERIOD_MS = 1000;

export async function answer(work: Work): Promise<void> {
  const [hang] = hangsOf(await work.evidence());
  const asked = new Date(Date.parse(hang?.lastAnswers[0] ?? '') + PERIOD_MS).toISOString();
  change(work, 'hang', {
    last_answer: asked.slice('yyyy-mm-ddT'.length, -1),
    given_up_ms: (hang?.givenUpMs ?? 0) - PERIOD_MS,
  });
}
