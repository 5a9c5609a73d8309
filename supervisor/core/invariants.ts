/**
 * What is always true of a supervisor's state.
 *
 * Lives here: the check that tests and the simulator run after every step. Does not live here: any repair.
 */
import { MANAGER_MISSES_MAX } from '../../ssmmp/core/timers.ts';
import type { SupervisorState } from './state.ts';

/** The first broken invariant as a sentence, or null. */
export function brokenInvariant(state: SupervisorState): string | null {
  const { status, deadlines, process, misses, started } = state;
  if (!started) return null;
  if (misses > MANAGER_MISSES_MAX) return `${misses} questions were missed, and it lives`;
  switch (status) {
    case 'absent':
      if (process !== null) return `there is a Manager (pid ${process.pid}), which nobody knows`;
      return deadlines.has('start') ? null : 'there is no Manager, and none will be started';
    case 'starting':
      return deadlines.has('startup') && deadlines.has('probe') ? null : 'a Manager may start for ever';
    case 'serving':
      return deadlines.has('probe') ? null : 'a Manager is asked no more';
    case 'killing':
    case 'ending':
      return deadlines.has('end') ? null : 'a Manager may end for ever';
    case 'ended':
      return deadlines.size === 0 ? null : 'a supervisor that has ended waits for something';
  }
}
