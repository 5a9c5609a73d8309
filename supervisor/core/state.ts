/**
 * What a supervisor knows.
 *
 * Lives here: the shape of the state, how it begins, how it becomes JSON and back. Does not live here: any change to it
 * (life.ts).
 */
import { DEFAULT_TIMERS, scaledTimers, type Timers } from '../../ssmmp/core/timers.ts';
import { Deadlines } from '../../ssmmp/machine/deadlines.ts';
import type { ManagerProcess } from './inputs.ts';

/**
 * States of the Manager as its supervisor sees it:
 *
 *   absent ──▶ starting ──▶ serving
 *     ▲  (wait)   │            │ misses
 *     │           ▼ too slow   ▼
 *     └──────── killing ◀──────┘          every state ──▶ ending ──▶ ended, when the supervisor is told to stop
 *
 * `starting` and `killing` end with proof of death only: there is never a second process beside the first.
 */
export type ManagerStatus = 'absent' | 'starting' | 'serving' | 'killing' | 'ending' | 'ended';

/** Deadlines: start it (again) · it must answer by now · ask again · it must be dead by now. */
export type DeadlineKind = 'start' | 'startup' | 'probe' | 'end';

export interface SupervisorState {
  started: boolean;
  timerScale: number;
  /** Derived from the scale. */
  timers: Timers;
  status: ManagerStatus;
  /** Grows with each process; inputs name it. */
  run: number;
  process: ManagerProcess | null;
  /** The process of this run was there before this supervisor. */
  adopted: boolean;
  /** Since when the present process runs, as far as this supervisor knows. */
  runsSince: number;
  /** It has answered at least once in the life of this supervisor. */
  everServed: boolean;
  /** A question was asked and not answered yet; how many in a row before it. */
  awaited: boolean;
  misses: number;
  deathsInRow: number;
  restarts: number;
  deadlines: Deadlines;
}

/** What a process takes for itself no factor shortens: a small one must not make a Manager hung that collects its garbage. */
const LEAST_MS = { managerProbeMs: 200, managerStartMs: 10_000 };

/** The timers of a supervisor. */
export function supervisorTimers(factor: number): Timers {
  const timers = scaledTimers(factor);
  return {
    ...timers,
    managerProbeMs: Math.max(LEAST_MS.managerProbeMs, timers.managerProbeMs),
    managerStartMs: Math.max(LEAST_MS.managerStartMs, timers.managerStartMs),
  };
}

export function newSupervisorState(): SupervisorState {
  return {
    started: false,
    timerScale: 1,
    timers: DEFAULT_TIMERS,
    status: 'absent',
    run: 0,
    process: null,
    adopted: false,
    runsSince: 0,
    everServed: false,
    awaited: false,
    misses: 0,
    deathsInRow: 0,
    restarts: 0,
    deadlines: new Deadlines(),
  };
}

export function saveSupervisor(state: SupervisorState): unknown {
  const { timers: _timers, deadlines, ...rest } = state;
  return { ...rest, deadlines: deadlines.save() };
}

export function loadSupervisor(saved: unknown): SupervisorState {
  const from = saved as Omit<SupervisorState, 'deadlines' | 'timers'> & { deadlines: [string, number][] };
  return {
    ...newSupervisorState(),
    ...from,
    timers: supervisorTimers(from.timerScale),
    deadlines: Deadlines.load(from.deadlines),
  };
}
