/**
 * The life of the Manager under its supervisor: started, asked, missed, killed, started again.
 *
 * Lives here: every change of state. Does not live here: processes and questions (supervisor/shell), the mirror (it
 * decides nothing).
 *
 *   no process                            started at once, after further deaths in a row later (R46)
 *   answers                               serving
 *   MANAGER_MISSES_MAX questions missed   hung: SIGKILL, and only after proof of its death the next
 *   no answer within managerStartMs       the same
 *   dies                                  as `no process`
 *
 * Misses are counted, not time: a supervisor that slept (SIGCONT, a lid that was closed) finds one question unanswered,
 * not a Manager that was silent for an hour. The very first Manager that refuses to start (its exit code says so) ends the
 * supervisor too: a port that is taken is a person's to mend, and whoever started us waits for the reason.
 */
import { deathsAfter, restartWaitMs } from '../../ssmmp/core/restart-wait.ts';
import { MANAGER_MISSES_MAX } from '../../ssmmp/core/timers.ts';
import type { SupervisorEffect } from './effects.ts';
import type { ManagerProcess } from './inputs.ts';
import type { DeadlineKind, SupervisorState } from './state.ts';

/** A Manager that starts is asked this many times as often, so that its first answer is noticed at once. */
const STARTING_PROBES = 5;
const EXIT_FAILED = 1;

/** Passed to every handler of one step. */
export class Turn {
  readonly state: SupervisorState;
  readonly now: number;
  readonly effects: SupervisorEffect[] = [];

  constructor(state: SupervisorState, now: number) {
    this.state = state;
    this.now = now;
  }

  log(level: 'info' | 'warn' | 'error', text: string): void {
    this.effects.push({ kind: 'log', level, text });
  }

  deadline(kind: DeadlineKind, afterMs: number): void {
    this.state.deadlines.set(kind, this.now + afterMs);
  }

  clear(...kinds: DeadlineKind[]): void {
    for (const kind of kinds) this.state.deadlines.clear(kind);
  }
}

export function onStarted(turn: Turn, found: ManagerProcess | null): void {
  if (found === null) return spawn(turn);
  const { state } = turn;
  state.run += 1;
  state.process = found;
  state.adopted = true;
  state.runsSince = turn.now;
  // As if it had served: a hung one must not have the patience that a start gets.
  state.status = 'serving';
  turn.effects.push({ kind: 'adopt', run: state.run, pid: found.pid, startTime: found.startTime });
  turn.log('info', `the Manager (pid ${found.pid}) runs already; taken over`);
  probe(turn);
}

export function onSpawned(turn: Turn, process: ManagerProcess): void {
  turn.state.process = process;
}

export function onSpawnFailed(turn: Turn, why: string): void {
  onEnded(turn, why, true);
}

/** Proof of death. */
export function onEnded(turn: Turn, how: string, isRefusal: boolean): void {
  const { state } = turn;
  turn.clear('startup', 'probe', 'end');
  state.process = null;
  if (state.status === 'ending') return end(turn, 0, 'told to stop');
  if (isRefusal && !state.everServed && state.restarts === 0 && !state.adopted)
    return end(turn, EXIT_FAILED, `the Manager could not start (${how})`);
  state.deathsInRow = deathsAfter(state.deathsInRow, turn.now - state.runsSince);
  const waitMs = Math.round(restartWaitMs(state.deathsInRow) * state.timerScale);
  const when = waitMs === 0 ? 'now' : `in ${waitMs / 1000} s`;
  turn.log('warn', `the Manager died (${how}); it is started again ${when}`);
  state.status = 'absent';
  state.restarts += 1;
  if (waitMs === 0) spawn(turn);
  else turn.deadline('start', waitMs);
}

export function onAnswered(turn: Turn): void {
  const { state } = turn;
  if (state.status !== 'starting' && state.status !== 'serving') return;
  state.awaited = false;
  state.misses = 0;
  if (state.status === 'serving' && state.everServed) return;
  state.status = 'serving';
  state.everServed = true;
  turn.clear('startup');
  // From now on at the slow beat.
  turn.deadline('probe', state.timers.managerProbeMs);
  turn.effects.push({ kind: 'serving', pid: state.process?.pid ?? 0, restarts: state.restarts });
}

export function onStopRequested(turn: Turn): void {
  const { state } = turn;
  switch (state.status) {
    case 'ending':
    case 'ended':
      return;
    case 'absent':
      return end(turn, 0, 'told to stop');
    case 'starting':
    case 'serving':
    case 'killing':
      turn.clear('startup', 'probe', 'start');
      turn.effects.push({
        kind: 'signal',
        run: state.run,
        signal: state.status === 'killing' ? 'SIGKILL' : 'SIGTERM',
      });
      state.status = 'ending';
      turn.deadline('end', state.timers.managerEndMs);
  }
}

export function onDeadline(turn: Turn, kind: DeadlineKind): void {
  const { state } = turn;
  switch (kind) {
    case 'start':
      return state.status === 'absent' ? spawn(turn) : undefined;
    case 'startup':
      return kill(turn, `did not answer within ${state.timers.managerStartMs} ms of its start`);
    case 'probe':
      return onProbeDue(turn);
    case 'end':
      // It was killed and is still there: the system takes its time (a disk that hangs); no other is started beside it.
      turn.effects.push({ kind: 'signal', run: state.run, signal: 'SIGKILL' });
      return turn.deadline('end', state.timers.hardMs);
  }
}

function onProbeDue(turn: Turn): void {
  const { state } = turn;
  if (state.status === 'serving') {
    if (state.awaited) state.misses += 1;
    if (state.misses >= MANAGER_MISSES_MAX) return kill(turn, `did not answer ${state.misses} questions in a row`);
  }
  probe(turn);
}

function probe(turn: Turn): void {
  const { state } = turn;
  const { managerProbeMs } = state.timers;
  state.awaited = true;
  // An idle Manager writes at every beat, which is as often. One that starts writes before it serves; and the death of one that
  // is no child of ours is noticed by the connection that asks.
  const isJournalEnough = state.status === 'serving' && !state.adopted;
  turn.effects.push({ kind: 'probe', run: state.run, isJournalEnough });
  turn.deadline('probe', state.status === 'starting' ? Math.ceil(managerProbeMs / STARTING_PROBES) : managerProbeMs);
}

function kill(turn: Turn, why: string): void {
  const { state } = turn;
  turn.log('error', `the Manager (pid ${state.process?.pid ?? 0}) ${why}; it is killed`);
  state.status = 'killing';
  turn.clear('startup', 'probe');
  turn.effects.push({ kind: 'signal', run: state.run, signal: 'SIGKILL' });
  turn.deadline('end', state.timers.hardMs);
}

function spawn(turn: Turn): void {
  const { state } = turn;
  state.run += 1;
  state.adopted = false;
  state.awaited = false;
  state.misses = 0;
  state.runsSince = turn.now;
  state.status = 'starting';
  turn.effects.push({ kind: 'spawn', run: state.run });
  turn.deadline('startup', state.timers.managerStartMs);
  turn.deadline('probe', Math.ceil(state.timers.managerProbeMs / STARTING_PROBES));
}

function end(turn: Turn, code: number, why: string): void {
  turn.state.status = 'ended';
  turn.clear('start', 'startup', 'probe', 'end');
  turn.effects.push({ kind: 'stop', code, why });
}
