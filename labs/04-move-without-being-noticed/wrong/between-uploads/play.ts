/** A wrong answer: moved between two uploads, not in the middle of one. */
import type { Work } from '../../../runner/api.ts';
import { answer, send } from '../../solution/play.ts';

export { answer };

export async function operate(work: Work): Promise<void> {
  work.forgetOwn();
  const cluster = await work.upOwn({ repository: await work.services() });
  await cluster.enter('alice');
  await send(work, cluster, 'first.bin');
  const [row] = await cluster.running('file-transfer', 1);
  await cluster.must('migrate', `file-transfer/${row?.service_instance_id ?? 0}`);
  await send(work, cluster, 'second.bin');
}
