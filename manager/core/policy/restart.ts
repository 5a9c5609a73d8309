/**
 * Restart: how long to wait before a service whose instances end early is started again.
 *
 * Lives here: the back-off. Does not live here: what counts as an early end (instances.ts). The first
 * restart is at once, then after 0.2 s, doubling to 10 s; more than RESTARTS_MAX ends without a good run
 * between them are a crash loop.
 */
import { RESTARTS_MAX, type Timers } from '../../../ssmmp/core/timers.ts';

export interface RestartDecision {
  /** Milliseconds to wait. */
  readonly waitMs: number;
  readonly crashLooping: boolean;
  /** The early ends to remember. */
  readonly failures: number[];
}

/**
 * Decides after one more early end at `now`. `failures` are the times of the early ends before it with no
 * good run between them. At most RESTARTS_MAX restarts fall in one `restartWindowMs`.
 */
export function decideRestart(failures: readonly number[], now: number, timers: Timers): RestartDecision {
  const count = failures.length;
  const backOffMs = count === 0 ? 0 : Math.min(timers.restartMostMs, timers.restartFirstMs * 2 ** (count - 1));
  const oldest = failures[count - RESTARTS_MAX];
  const windowMs = oldest === undefined ? 0 : oldest + timers.restartWindowMs - now;
  return {
    waitMs: Math.max(backOffMs, windowMs),
    crashLooping: count >= RESTARTS_MAX,
    failures: [...failures, now].slice(-2 * RESTARTS_MAX),
  };
}
