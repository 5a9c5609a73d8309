/**
 * Waiting for a condition with a deadline; nothing in a check sleeps for luck.
 *
 * Lives here: that. Does not live here: what is waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Unmet } from './unmet.ts';

const AGAIN_MS = 20;

/** Gives the first value of `condition` that is not null, false or undefined. Throws Unmet after `deadlineMs`. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  deadlineMs = 10_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== false && value !== undefined) return value;
    if (performance.now() > end) throw new Unmet({ expected: what, came: `not within ${deadlineMs / 1000} s` });
    await sleep(AGAIN_MS);
  }
}
