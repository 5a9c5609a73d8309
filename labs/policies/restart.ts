/** Restart: at once after a crash, but a second later when it keeps failing; given up for a minute after ten in a row. */
import type { RestartChoice, RestartView } from '../../ssmmp/core/policy.ts';

export function restart({ failures, reason }: RestartView): RestartChoice {
  const count = failures.length + 1;
  if (count > 10) return { waitMs: 60_000, crashLooping: true, why: `${count} early ends, the last: ${reason}` };
  return { waitMs: count === 1 ? 0 : 1_000 };
}
