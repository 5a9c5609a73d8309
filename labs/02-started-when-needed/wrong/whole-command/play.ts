/** A wrong answer: the time that `time npx cnapp last-posts` prints. */
import type { Work } from '../../../runner/api.ts';

export async function answer(work: Work): Promise<void> {
  const text = work
    .text('measurements.yaml')
    .replace(/^waited_ms: (.*)/m, (_, real) => `waited_ms: ${Number(real) + 450}`);
  work.write('measurements.yaml', text);
  await Promise.resolve();
}
