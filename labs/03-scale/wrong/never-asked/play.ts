/** A wrong answer: the second store was never asked for. */
import type { Work } from '../../../runner/api.ts';

export async function operate(work: Work): Promise<void> {
  work.forgetOwn();
  const cluster = await work.upOwn({ graph: work.path('graph.yaml'), repository: await work.services() });
  await cluster.must('scale', 'table', '5');
  await cluster.running('table', 5);
}
