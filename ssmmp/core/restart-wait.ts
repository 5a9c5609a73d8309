/**
 * When a program of the testbed that died is started again.
 *
 * Lives here: the waits, for agents, Managers and supervisors. Does not live here: processes, the back-off of instances
 * (the Manager decides that). R46: 0, 0.2 … 10 s.
 */

const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 10_000;
/** A program that ran this long starts with a clean record. */
export const STEADY_MS = 5_000;

/** The wait before the next start after so many deaths in a row (the first: at once). */
export function restartWaitMs(deathsInRow: number): number {
  if (deathsInRow <= 1) return 0;
  return Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** (deathsInRow - 2));
}

/** Deaths in a row after one more, given how long the program ran before it. */
export function deathsAfter(deathsInRow: number, ranMs: number): number {
  return ranMs >= STEADY_MS ? 1 : deathsInRow + 1;
}
