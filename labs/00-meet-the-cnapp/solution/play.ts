/**
 * Lab 0 done right: what a student types, and what a student then writes down.
 *
 * Lives here: the commands of the chapter, and reading the answers from the trace as a person does.
 */
import { linesOf, typeOf } from '../../runner/api.ts';
import type { Work } from '../../runner/api.ts';

const TEXT = 'Hello, mesh';

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn();
  await cluster.enter('alice');
  await cluster.cnapp('alice', ['send-post', TEXT]);
  const [store] = await cluster.running('posts-db', 1);
  await cluster.must('kill', 'instance', `posts-db/${store?.service_instance_id ?? 0}`);
  await work.until('another posts-db is on', async () => {
    const rows = await cluster.instances('posts-db');
    return rows.some((row) => row.status === 'on' && row.service_instance_id !== store?.service_instance_id);
  });
  await cluster.cnapp('alice', ['send-post', 'still here']);
}

export async function answer(work: Work): Promise<void> {
  const { trace } = await work.evidence();
  const lines = trace.map(({ exchange, message }) => ({ exchange, type: typeOf(message), lines: linesOf(message) }));
  const opened = lines.find(
    ({ type, lines: each }) => type === 'session_request' && each.get('source_plug_name') === 'post-plug',
  );
  const dest = (exchange: string): string => {
    const found = lines.find((each) => each.exchange === exchange && each.type === 'session_response');
    return `${found?.lines.get('dest_service_name') ?? ''}/${found?.lines.get('dest_service_instance_id') ?? ''}`;
  };
  const stored = lines.find(
    ({ type, lines: each }) => type === 'session_request' && each.get('source_plug_name') === 'posts-plug',
  );
  const death = lines.findIndex(({ lines: each }) => (each.get('x_exit') ?? '').startsWith('signal'));
  const crashed = lines[death];
  const service = crashed?.lines.get('service_name') ?? '';
  const next = lines
    .slice(death)
    .find(({ type, lines: each }) => type === 'execution_request' && each.get('service_name') === service);
  work.write(
    'answers.yaml',
    [
      `my_post: "${TEXT}"`,
      `opened_by: "${opened?.exchange ?? ''}"`,
      `served_by: "${dest(opened?.exchange ?? '')}"`,
      `stored_by: "${dest(stored?.exchange ?? '')}"`,
      `killed: "${service}/${crashed?.lines.get('service_instance_id') ?? ''}"`,
      `told_by: "${crashed?.type ?? ''}"`,
      `replaced_by: "${service}/${next?.lines.get('service_instance_id') ?? ''}"`,
      '',
    ].join('\n'),
  );
}
