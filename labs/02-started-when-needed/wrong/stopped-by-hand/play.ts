/** A wrong answer: the operator stopped table, the graph's policy did not. */
import type { Work } from '../../../runner/api.ts';
import { answer, read } from '../../solution/play.ts';

export { answer };

export async function operate(work: Work): Promise<void> {
  work.forgetOwn();
  const cluster = await work.upOwn();
  await cluster.enter('alice');
  await read(cluster);
  const [table] = await cluster.running('table', 1);
  await cluster.must('stop', `table/${table?.service_instance_id ?? 0}`);
  await read(cluster);
}
