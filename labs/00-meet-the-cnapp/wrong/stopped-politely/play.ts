/** A wrong answer: the instance was asked to stop, so nothing was broken. */
import type { Work } from '../../../runner/api.ts';

export async function operate(work: Work): Promise<void> {
  work.forgetOwn();
  const cluster = await work.upOwn();
  await cluster.enter('alice');
  await cluster.cnapp('alice', ['send-post', 'Hello, mesh']);
  const [table] = await cluster.running('post', 1);
  await cluster.must('stop', `post/${table?.service_instance_id ?? 0}`);
}
