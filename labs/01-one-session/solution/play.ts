/**
 * Lab 1 done right: the experiments, and the predictions as they are after they were compared with what happened.
 *
 * Lives here: the commands of the chapter. Each kill comes right after a post, since an idle session closes by itself.
 */
import { stringify } from 'yaml';
import type { LabCluster, Work } from '../../runner/api.ts';
import { inRoles, sessionsOf } from '../sessions.ts';
import type { Ending } from '../sessions.ts';

const OPEN = [
  'source -> agent session_request',
  'agent -> Manager session_request',
  'Manager -> agent session_response',
  'agent -> source session_response',
  'source -> agent session_ack',
  'agent -> Manager session_ack',
];
const EXECUTION = ['Manager -> agent execution_request', 'agent -> Manager execution_response'];

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn();
  await cluster.enter('alice');
  await post(cluster, 'one');
  await cluster.must('kill', 'instance', await name(cluster, 'posts-db'));
  await over(work, cluster, 'post', 0);
  await post(cluster, 'two');
  await cluster.must('kill', 'instance', await name(cluster, 'post'));
  await over(work, cluster, 'post', 0);
  await post(cluster, 'three');
  await cluster.must('stop', await name(cluster, 'post'));
}

export async function answer(work: Work): Promise<void> {
  const sessions = sessionsOf(await work.evidence(), 'posts-plug');
  const closing = (ending: Ending): string[] => {
    const seen = sessions.find((session) => session.ending === ending);
    return (seen?.closing ?? []).map((entry) => inRoles(entry, seen?.source ?? '', seen?.dest ?? ''));
  };
  work.write(
    'prediction.yaml',
    stringify({
      open: OPEN,
      'dest-killed': closing('dest-killed'),
      'source-killed': closing('source-killed'),
      'manager-closes': closing('manager-closes'),
      'nobody-there': [...OPEN.slice(0, 2), ...EXECUTION, ...OPEN.slice(2)],
    }),
  );
}

async function post(cluster: LabCluster, text: string): Promise<void> {
  const { code, err } = await cluster.cnapp('alice', ['send-post', text]);
  if (code !== 0) throw new Error(err);
}

async function name(cluster: LabCluster, service: string): Promise<string> {
  const [row] = await cluster.running(service, 1);
  return `${service}/${row?.service_instance_id ?? 0}`;
}

/** Waits until the Manager knows that the session of a dead end is closed. */
async function over(work: Work, cluster: LabCluster, source: string, count: number): Promise<void> {
  await work.until('the session is closed', async () => {
    const rows = await cluster.sessions();
    return rows.filter((row) => row.source_service_name === source && row.status === 'on').length === count;
  });
}
