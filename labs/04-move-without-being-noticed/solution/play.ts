/**
 * Lab 4 done right: an upload that is moved in its middle, and what a student reads of it from log, events and trace.
 *
 * Lives here: that. The service that a student writes is mine/file-transfer.ts.
 */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import type { LabCluster, Work } from '../../runner/api.ts';
import { bringersOf, chunksOf, movesOf } from '../chunks.ts';
import type { Chunk } from '../chunks.ts';

const BYTES = 8_000_000;
const UNDER_WAY_CHUNKS = 20;
/** On a busy machine the upload may be over before it is moved; then a student does it again, with a larger file. */
const TRIES = 5;

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn({ repository: await work.services() });
  await cluster.enter('alice');
  const chunks = async (): Promise<Chunk[]> => chunksOf(await cluster.evidence(), 'file-store');
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const before = (await chunks()).length;
    const sent = send(work, cluster, `big-${tries}.bin`, tries * BYTES);
    const name = await work.until('the upload is under way', async () => {
      const own = (await chunks()).slice(before);
      return own.length > UNDER_WAY_CHUNKS ? own.at(-1)?.by || null : null;
    });
    await cluster.must('migrate', name);
    await sent;
    if (bringersOf((await chunks()).slice(before)).length > 1) return;
  }
}

/** Sends a file of chance, `bytes` long. */
export async function send(work: Work, cluster: LabCluster, name: string, bytes = BYTES): Promise<void> {
  work.write(name, randomBytes(bytes / 2).toString('hex'));
  const { code, err } = await cluster.cnapp('alice', ['send-file', work.path(name)]);
  if (code !== 0) throw new Error(err);
}

export async function answer(work: Work): Promise<void> {
  if (!work.has('.ssmmp')) return;
  const [move] = movesOf(await work.evidence());
  work.write(
    'answers.yaml',
    stringify({
      moved_from: move?.from ?? '',
      moved_to: move?.to ?? '',
      closed_by: move?.closedBy ?? '',
      reopened_by: move?.reopenedBy ?? '',
      drained_ms: move?.drainedMs ?? 0,
      went_on_at: move?.wentOnAt ?? -1,
    }),
  );
}
