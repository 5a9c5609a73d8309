/** A wrong answer: the text was written down from memory. */
import type { Work } from '../../../runner/api.ts';

export async function answer(work: Work): Promise<void> {
  work.write('answers.yaml', work.text('answers.yaml').replace(/^my_post: .*/m, 'my_post: "Hello mesh"'));
  await Promise.resolve();
}
