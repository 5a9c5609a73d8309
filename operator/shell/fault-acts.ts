/**
 * Faults that need no link: a process stopped, a node or the Manager without power, a disk filled.
 *
 * Lives here: doing each to the processes and files of a testbed, and undoing it. Does not live here: which are on
 * (fault-keeper.ts), what goes through a link (fault-links.ts).
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FaultRequest } from '../../faults/core/fault.ts';
import { DISK_FULL_FILE } from '../../ssmmp/shell/disk-fault.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { findProcesses, signalGroup } from './testbed-processes.ts';

/** The requests for them. */
export type ActRequest = Extract<FaultRequest, { kind: 'stop' | 'node-off' | 'manager-off' | 'fill-disk' }>;

export interface ActSurroundings {
  readonly stateDir: string;
  /** Keeps a program of the front down: when it ends it is not started again. */
  holdProgram(name: string): void;
  /** Starts it again. */
  letGoProgram(name: string): void;
}

/** Does it. Throws OperatorError where there is nothing to do it to. */
export function doAct(request: ActRequest, around: ActSurroundings): void {
  switch (request.kind) {
    case 'stop':
      if (!signalGroup(request, 'SIGSTOP')) throw new OperatorError(EXIT.failed, `${request.name} does not run`);
      return;
    case 'node-off':
      return nodeOff(request.node, around);
    case 'manager-off':
      return managerOff(around);
    case 'fill-disk':
      return fillDisk(around.stateDir, request.whose);
  }
}

/** Undoes it. */
export function undoAct(request: ActRequest, around: ActSurroundings): void {
  switch (request.kind) {
    case 'stop':
      return void signalGroup(request, 'SIGCONT');
    case 'node-off':
      return around.letGoProgram(`agent ${request.node}`);
    case 'manager-off':
      return around.letGoProgram('supervisor');
    case 'fill-disk':
      return freeDisk(around.stateDir, request.whose);
  }
}

/** There is room again for the Manager's journal (`manager`) or a store; nothing happens where there was. */
export function freeDisk(stateDir: string, whose: string): void {
  rmSync(diskFullFile(stateDir, whose), { force: true });
}

function nodeOff(node: number, around: ActSurroundings): void {
  around.holdProgram(`agent ${node}`);
  const killAll = (): void => {
    for (const one of findProcesses(around.stateDir)) if (one.node === String(node)) signalGroup(one, 'SIGKILL');
  };
  killAll();
  // an agent that was just starting an instance is dead now; what it started is written down by then
  killAll();
}

function managerOff(around: ActSurroundings): void {
  around.holdProgram('supervisor');
  for (const one of findProcesses(around.stateDir))
    if (['supervisor', 'manager'].includes(one.role)) signalGroup(one, 'SIGKILL');
}

function fillDisk(stateDir: string, whose: string): void {
  const path = diskFullFile(stateDir, whose);
  if (!existsSync(dirname(path))) {
    const message = `${whose} keeps nothing here; expected manager, or a store that has run: ${dirname(path)} is not there`;
    throw new OperatorError(EXIT.failed, message);
  }
  writeFileSync(path, '');
}

/** Whoever writes in that folder believes that its disk is full (decision 0009). */
function diskFullFile(stateDir: string, whose: string): string {
  return join(whose === 'manager' ? join(stateDir, 'journal') : join(stateDir, 'baas', whose), DISK_FULL_FILE);
}
