/**
 * A worker: runs the seeds it is given, one message a seed.
 *
 * Lives here: the loop. Does not live here: which seeds (many.ts). It ends when its parent does.
 */
import { run } from '../sim/run.ts';

export interface Task {
  readonly seed: number;
  readonly steps: number;
}

/** What a run comes to, as it goes over the channel. */
export interface Finished {
  readonly seed: number;
  readonly events: number;
  readonly hash: string;
  /** The law that broke, and what was found; null when all held. */
  readonly law: string | null;
  readonly what: string | null;
  readonly faults: readonly (readonly [string, number])[];
  readonly rows: readonly (readonly [string, number])[];
  readonly acknowledged: number;
}

process.on('message', ({ seed, steps }: Task) => {
  const { events, hash, broken, faults, rows, acknowledged } = run({ seed, steps });
  const finished: Finished = {
    seed,
    events,
    hash,
    law: broken?.law ?? null,
    what: broken?.what ?? null,
    faults: [...faults],
    rows: [...rows],
    acknowledged,
  };
  process.send?.(finished);
});
process.on('disconnect', () => process.exit(0));
