/**
 * Many seeds on all cores.
 *
 * Lives here: giving seeds to workers, adding up what they reached, progress. Does not live here: a run (worker.ts).
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { SimOptions } from './options.ts';
import type { Finished, Task } from './worker.ts';

export interface Totals {
  seeds: number;
  events: number;
  acknowledged: number;
  readonly faults: Map<string, number>;
  readonly rows: Map<string, number>;
  readonly failed: Finished[];
}

/** Seeds that a worker is given ahead, so that it never waits. */
const AHEAD = 3;
const PROGRESS_MS = 2_000;

/** Runs them all; ends early when enough have failed, or when the time is up. */
export async function runMany(options: SimOptions, say: (text: string) => void): Promise<Totals> {
  const { from, count, steps, seconds, failures } = options;
  const totals: Totals = { seeds: 0, events: 0, acknowledged: 0, faults: new Map(), rows: new Map(), failed: [] };
  const startedMs = Date.now();
  let next = from;
  const isOver = (): boolean =>
    totals.failed.length >= failures || (seconds !== null && Date.now() - startedMs > seconds * 1000);
  const give = (child: ChildProcess): boolean => {
    if (next >= from + count || isOver()) return false;
    child.send({ seed: next, steps } satisfies Task);
    next += 1;
    return true;
  };
  const progress = setInterval(() => {
    const rate = Math.round((totals.seeds * 60_000) / Math.max(1, Date.now() - startedMs));
    say(`${totals.seeds} of ${count} seeds, ${rate} a minute, ${totals.failed.length} failed`);
  }, PROGRESS_MS);
  const workers = Array.from({ length: Math.min(options.workers, count) }, () => {
    const child = fork(new URL('./worker.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
    return new Promise<void>((resolve, reject) => {
      let open = 0;
      child.on('message', (finished: Finished) => {
        open -= 1;
        add(totals, finished);
        if (give(child)) open += 1;
        else if (open === 0) child.disconnect();
      });
      child.on('exit', (code, signal) =>
        open === 0 ? resolve() : reject(new Error(`a worker ended: ${signal ?? `code ${code ?? '?'}`}`)),
      );
      for (let ahead = 0; ahead < AHEAD && give(child); ahead += 1) open += 1;
      if (open === 0) child.disconnect();
    });
  });
  await Promise.all(workers).finally(() => clearInterval(progress));
  return totals;
}

function add(totals: Totals, finished: Finished): void {
  totals.seeds += 1;
  totals.events += finished.events;
  totals.acknowledged += finished.acknowledged;
  for (const [name, count] of finished.faults) totals.faults.set(name, (totals.faults.get(name) ?? 0) + count);
  for (const [row, count] of finished.rows) totals.rows.set(row, (totals.rows.get(row) ?? 0) + count);
  if (finished.law !== null) totals.failed.push(finished);
}
