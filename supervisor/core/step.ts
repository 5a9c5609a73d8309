/**
 * One step of a supervisor: dispatch, nothing else.
 *
 * Lives here: which handler an input belongs to, and that a word about a process that is gone meets nobody. Does not live
 * here: any handler (life.ts).
 */
import type { Machine, Step } from '../../ssmmp/machine/machine.ts';
import type { SupervisorEffect } from './effects.ts';
import type { SupervisorInput } from './inputs.ts';
import { onAnswered, onDeadline, onEnded, onSpawned, onSpawnFailed, onStarted, onStopRequested, Turn } from './life.ts';
import { loadSupervisor, saveSupervisor, supervisorTimers, type DeadlineKind, type SupervisorState } from './state.ts';

export const supervisorMachine: Machine<SupervisorState, SupervisorInput, SupervisorEffect> = {
  name: 'supervisor',
  version: 1,
  step,
  nextDeadline: (state) => state.deadlines.next(),
  save: saveSupervisor,
  load: loadSupervisor,
};

function step(state: SupervisorState, input: SupervisorInput): Step<SupervisorEffect> {
  const turn = new Turn(state, input.at);
  if (input.kind === 'supervisor_started') {
    if (!state.started) {
      state.started = true;
      state.timerScale = input.timerScale;
      state.timers = supervisorTimers(input.timerScale);
      onStarted(turn, input.found);
    }
  } else if (state.started && state.status !== 'ended') dispatch(turn, input);
  return { effects: turn.effects, flush: false };
}

function dispatch(turn: Turn, input: Exclude<SupervisorInput, { kind: 'supervisor_started' }>): void {
  const { state } = turn;
  if ('run' in input && (input.run !== state.run || state.status === 'absent')) return;
  switch (input.kind) {
    case 'manager_spawned':
      return onSpawned(turn, input.process);
    case 'spawn_failed':
      return onSpawnFailed(turn, input.why);
    case 'manager_ended':
      return onEnded(turn, input.how, input.isRefusal);
    case 'manager_answered':
      return onAnswered(turn);
    case 'stop_requested':
      return onStopRequested(turn);
    case 'tick':
      for (let due = state.deadlines.takeDue(turn.now); due !== undefined; due = state.deadlines.takeDue(turn.now))
        onDeadline(turn, due as DeadlineKind);
      return;
  }
}
