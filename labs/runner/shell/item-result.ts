/**
 * What one item of a check came to, out of how its code ended.
 *
 * Lives here: that. Does not live here: running it (check-process.ts), adding up (core/result.ts).
 */
import type { LabItem } from '../core/lab-file.ts';
import type { ItemResult } from '../core/result.ts';
import { isUnmet, Unmet } from './unmet.ts';

/** `error`: what its code threw; null where it returned, or was not called. */
export function itemResult(item: LabItem, status: ItemResult['status'], tookMs: number, error: unknown): ItemResult {
  const { name, says, points, page } = item;
  const unmet: Unmet['text'] | null = isUnmet(error) && status === 'failed' ? error.text : null;
  return {
    name,
    says,
    points_max: points,
    points: status === 'passed' ? points : 0,
    status,
    took_ms: Math.round(tookMs),
    failure:
      unmet === null
        ? null
        : { expected: unmet.expected, came: unmet.came, page: unmet.page ?? page, remark: unmet.remark ?? null },
    error: status !== 'broken' ? null : error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** An item that was not done in time. It has failed: nearly always it waits for something the student's work should have done. */
export function tooLate(item: LabItem, came = 'it was not'): Unmet {
  return new Unmet({ expected: `done within ${item.seconds} s`, came });
}

/** An item that was under way when somebody ended the check, or (0 ms) was the next. */
export function interrupted(item: LabItem, tookMs: number): Unmet {
  const when = tookMs === 0 ? 'before it began' : `after ${(tookMs / 1000).toFixed(1)} s`;
  return tooLate(item, `the check was ended ${when}`);
}
