/**
 * Making a failing run small: which of its faults are needed for it to fail?
 *
 * Lives here: taking faults out while the same law still breaks (delta debugging), and fewer events. Does not live here:
 * showing what is left (diagram.ts). A seed's faults are numbered; a subset of the numbers is a run of its own.
 */
import { run, type RunResult } from './run.ts';

export interface Shrunk {
  readonly seed: number;
  readonly steps: number;
  /** Numbers of the faults that are left. */
  readonly only: readonly number[];
  readonly result: RunResult;
  /** Runs it took. */
  readonly tries: number;
}

/** Runs that are tried at most. */
const TRIES_MAX = 250;

/** The smallest run found that breaks the same law as `failed`, which was run with `steps`. */
export function shrink(failed: RunResult, steps: number): Shrunk {
  const law = failed.broken?.law;
  let best: Shrunk = { seed: failed.seed, steps, only: failed.happened, result: failed, tries: 0 };
  let tries = 0;
  const attempt = (only: readonly number[], fewer: number): boolean => {
    if (tries >= TRIES_MAX) return false;
    tries += 1;
    const result = run({ seed: failed.seed, steps: fewer, only });
    if (result.broken?.law !== law) return false;
    // What did not happen is not needed.
    best = { seed: failed.seed, steps: fewer, only: result.happened, result, tries };
    return true;
  };
  attempt(best.only, best.steps);
  for (let parts = 2; parts <= Math.max(1, best.only.length) && tries < TRIES_MAX;) {
    const size = Math.ceil(best.only.length / parts);
    let isSmaller = false;
    for (let from = 0; from < best.only.length && !isSmaller; from += size)
      isSmaller = attempt([...best.only.slice(0, from), ...best.only.slice(from + size)], best.steps);
    if (isSmaller) parts = Math.max(2, parts - 1);
    else if (size <= 1) break;
    else parts = Math.min(best.only.length, parts * 2);
  }
  if (best.only.length === 1) attempt([], best.steps);
  for (let fewer = Math.floor(best.steps / 2); fewer > 50; fewer = Math.floor(fewer / 2))
    if (!attempt(best.only, fewer)) break;
  return { ...best, tries };
}
