/**
 * What `ssmmp journal` needs to know of the Manager's journal: the machine that replays it, its lists, and the lock that keeps
 * a repair away from a running Manager. A bundle of its own (dist/journal.js), loaded by the command line: actors are
 * not imported by it.
 */
import type { Machine } from '../ssmmp/machine/machine.ts';
import type { ManagerEffect } from './core/effects.ts';
import type { ManagerInput } from './core/inputs.ts';
import type { ManagerState } from './core/state.ts';
import { managerMachine } from './core/step.ts';
import { gatewaysView, instancesView, nodesView, servicesView, sessionsView, type View } from './core/views.ts';
import { takeLock, type Lock } from '../ssmmp/shell/process-lock.ts';

export const machine: Machine<ManagerState, ManagerInput, ManagerEffect> = managerMachine;

/** Everything of a state that `ssmmp get` would list. */
export function lists(state: ManagerState): Record<string, View[]> {
  return {
    nodes: nodesView(state),
    services: servicesView(state),
    instances: instancesView(state),
    sessions: sessionsView(state),
    gateways: gatewaysView(state),
  };
}

/** Keeps Managers away from a state directory until `release` is called, or says who has it. */
export function lock(stateDir: string): Lock {
  return takeLock(stateDir, 'manager', 'Manager');
}
