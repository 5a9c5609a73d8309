/**
 * Lab 2 done right: table comes, goes and comes again, and the times are read from the trace.
 *
 * Lives here: the commands of the chapter, and reading the trace.
 */
import { stringify } from 'yaml';
import type { LabCluster, Work } from '../../runner/api.ts';
import { coldStartsOf } from '../cold-starts.ts';

const ASLEEP_MS = 20_000;

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn({ graph: work.path('graph.yaml') });
  await cluster.enter('alice');
  await read(cluster);
  await cluster.running('table', 0, ASLEEP_MS);
  await read(cluster);
}

export async function answer(work: Work): Promise<void> {
  if (!work.has('.ssmmp')) return; // before the first start there is nothing to measure
  const [start] = coldStartsOf(await work.evidence());
  work.write(
    'measurements.yaml',
    stringify({
      exchange: start?.exchange ?? '',
      waited_ms: start?.waitedMs ?? 0,
      starting_ms: start?.startingMs ?? 0,
    }),
  );
}

/** Reads the last posts; somebody must be there to answer. */
export async function read(cluster: LabCluster): Promise<void> {
  const { code, err } = await cluster.cnapp('alice', ['last-posts']);
  if (code !== 0) throw new Error(err);
}
