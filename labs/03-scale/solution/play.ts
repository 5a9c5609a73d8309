/** Lab 3 done right: the commands of the chapter; the answers are in a file beside this one. */
import type { Work } from '../../runner/api.ts';

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn({ graph: work.path('graph.yaml'), repository: await work.services() });
  await cluster.ssmmp('scale', 'posts-db', '2'); // refused, which is the point
  await cluster.must('scale', 'table', '5');
  await cluster.running('table', 5);
}
