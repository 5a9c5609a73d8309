/**
 * What ends a cluster that runs in the foreground.
 *
 * Lives here: hearing it, and how much of a hurry there is. Does not live here: ending (cluster-stop.ts).
 */
import { hangOn, LIFELINE } from '../../ssmmp/shell/lifeline.ts';
import { tell } from './output.ts';

export interface StopSignals {
  /** Resolves with the first of them. */
  readonly first: Promise<void>;
  /** Calls the action with the first of them; at once where that has come. */
  readonly onFirst: (action: () => void) => void;
  readonly isAsked: () => boolean;
  /** A second signal: no more waiting. */
  readonly isHurried: () => boolean;
}

/**
 * Ctrl-C, SIGTERM and a closed terminal stop the cluster; once is enough, twice is faster, none breaks the clean-up. So does
 * the end of a lab's check, a play or a test that started it (SSMMP_LIFELINE).
 */
export function stopSignals(): StopSignals {
  const controller = new AbortController();
  let count = 0;
  const first = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      count += 1;
      if (count === 1) tell(`\nstopping (${signal}); once more to hurry`);
      controller.abort();
    });
  }
  const lifeline = process.env[LIFELINE];
  if (lifeline !== undefined)
    hangOn(lifeline, () => {
      tell('stopping in a hurry: whoever this cluster was started for has ended');
      count = 2;
      controller.abort();
    });
  return {
    first,
    onFirst: (action) => (count > 0 ? action() : controller.signal.addEventListener('abort', action)),
    isAsked: () => count > 0,
    isHurried: () => count > 1,
  };
}
