/**
 * Lab 5 done right: the four failures of the chapter, one after the other, and what a student reads from events and trace.
 *
 * Lives here: that. Predictions are what the table of timers says, with room for a machine that is busy.
 */
import { stringify } from 'yaml';
import { linesOf } from '../../runner/api.ts';
import type { LabCluster, Work } from '../../runner/api.ts';
import { crashesOf, hangsOf, lostNodesOf, twicesOf } from '../failures.ts';
import type { Twice } from '../failures.ts';

const LONG_MS = 30_000;

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn();
  await cluster.must('scale', 'post', '1');
  const post = async (): Promise<{ name: string; address: string }> => {
    const [row] = await cluster.running('post', 1, LONG_MS);
    return {
      name: `post/${row?.service_instance_id ?? 0}`,
      address: row?.service_instance_network_address ?? '',
    };
  };
  for (let times = 0; times < 2; times += 1) {
    const { name } = await post();
    await cluster.must('kill', 'instance', name);
    await over(cluster, `${name} on → off`);
  }
  const hanging = await post();
  await cluster.evidenceOf('it has answered', ({ trace }) =>
    trace.some(({ from, message }) => from === hanging.name && linesOf(message).has('x_load')),
  );
  await cluster.must('fault', 'stop', 'instance', hanging.name);
  await over(cluster, `${hanging.name} on → killing`);

  const first = await post();
  await cluster.must('fault', 'node-off', first.address);
  await cluster.evidenceOf('the node is replaced', (found) => (lostNodesOf(found)[0]?.served.length ?? 0) > 0, LONG_MS);
  await post();
  await cluster.must('fault', 'node-on', first.address);
  await over(cluster, `${first.address} registered as node`, 2);

  const second = await post();
  await cluster.must('fault', 'cut', second.address, 'manager');
  await cluster.evidenceOf('the node is replaced', (found) => (lostNodesOf(found)[1]?.served.length ?? 0) > 0, LONG_MS);
  await post();
  await cluster.must('fault', 'heal', second.address, 'manager');
  await cluster.evidenceOf('the old instance ended', (found) => twicesOf(found).some(isPost), LONG_MS);
}

function isPost({ old }: Twice): boolean {
  return old.startsWith('post/');
}

/** Waits for an event that begins so, for the nth time. */
async function over(cluster: LabCluster, text: string, times = 1): Promise<void> {
  await cluster.evidenceOf(
    text,
    ({ events }) => events.filter((event) => event.text.startsWith(text)).length >= times,
    LONG_MS,
  );
}

export async function answer(work: Work): Promise<void> {
  const evidence = await work.evidence();
  const crash = crashesOf(evidence).find(({ waitMs }) => waitMs > 100);
  const [hang] = hangsOf(evidence);
  const [loss] = lostNodesOf(evidence);
  const [twice] = twicesOf(evidence).filter(isPost);
  const served = loss?.served[0];
  const since = (at: number | undefined): number => (at ?? 0) - (loss?.lastWordAt ?? 0);
  work.write(
    'answers.yaml',
    stringify({
      predict: {
        crash_wait: [200, 600],
        hang_given_up: [3500, 4500],
        node_suspect: [1500, 2500],
        node_lost: [5000, 6000],
        node_served: [5000, 8000],
      },
      formulas: {
        hang_at_least: '2 * instanceHealthMs + heartbeatMs',
        hang_at_most: '3 * instanceHealthMs + heartbeatMs',
        node_lost_at_least: 'lostMs - heartbeatMs',
        node_lost_at_most: 'lostMs',
      },
      crash: { died: crash?.died.seq ?? 0, started: crash?.started.seq ?? 0, wait_ms: crash?.waitMs ?? 0 },
      hang: {
        last_answer: (hang?.lastAnswers[0] ?? '').slice('yyyy-mm-ddT'.length, -1),
        given_up: hang?.givenUp.seq ?? 0,
        given_up_ms: hang?.givenUpMs ?? 0,
      },
      node: {
        suspected: loss?.suspected.seq ?? 0,
        lost: loss?.lost.seq ?? 0,
        served: served?.seq ?? 0,
        suspect_ms: since(loss?.suspected.at),
        lost_ms: since(loss?.lost.at),
        served_ms: since(served?.at),
      },
      partition: { old: twice?.old ?? '', new: twice?.new ?? '', both_ms: twice?.bothMs ?? 0 },
    }),
  );
}
