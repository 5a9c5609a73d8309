/**
 * Stopping a cluster in order, within a time.
 *
 * Lives here: the order. Does not live here: who asks (`ssmmp up` on a Ctrl-C, `ssmmp down`).
 *
 * First the Manager shuts the instances down as SSMMP says (drain, close sessions, graceful shutdown, then hard).
 * Then agents, Manager and its supervisor are asked to end, then whatever is left is killed: nothing may stay behind. Times add
 * up to less than the 5 s that a person was promised.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, readPidFile } from '../../ssmmp/shell/process-identity.ts';
import { removeClusterFile } from './cluster-file.ts';
import { OperatorClient } from './operator-client.ts';
import type { Settings } from './settings.ts';
import { stateFiles } from './settings.ts';
import { findProcesses, nodeFolders, signalGroup, waitForEnd } from './testbed-processes.ts';
import type { FoundProcess } from './testbed-processes.ts';

/** The Manager takes 3 s for graceful shutdowns and then kills. */
const SHUTDOWN_MS_MAX = 3700;
/** Agents, Manager and supervisor have this long after SIGTERM. */
const TERMINATE_MS = 600;
/** The system has this long to take away what was killed. */
const KILL_MS = 500;

export interface StopReport {
  /** Everything that ran when the stop began. */
  readonly ended: readonly FoundProcess[];
  /** What had to be killed. */
  readonly killed: readonly FoundProcess[];
  /** What would not go: another user's, or stuck in the system. */
  readonly left: readonly FoundProcess[];
}

/**
 * Ends every process of the cluster but `ssmmp up` itself and removes what they left. `isHurried` (a second
 * Ctrl-C) skips the waiting, not the cleaning. `started` names processes that may be too young for a pid file.
 */
export async function stopCluster(
  settings: Settings,
  isHurried: () => boolean,
  started: () => readonly FoundProcess[] = () => [],
): Promise<StopReport> {
  const { stateDir } = settings;
  const others = (): FoundProcess[] => {
    const found = findProcesses(stateDir).filter(({ role }) => role !== 'up');
    const known = new Set(found.map(({ pid }) => pid));
    return [...started().filter((one) => !known.has(one.pid) && isRunning(one)), ...found];
  };
  const ended = others();
  if (ended.some(({ role }) => role === 'manager') && !isHurried()) await askManager(settings, isHurried);
  const programs = others().filter(({ role }) => role !== 'instance');
  for (const program of programs) signalGroup(program, 'SIGTERM');
  await waitForEnd(programs, TERMINATE_MS);
  const killed: FoundProcess[] = [];
  let left = others();
  // twice: an agent may have started an instance while it was being killed
  for (let round = 0; round < 2 && left.length > 0; round++) {
    killed.push(...left);
    for (const target of left) signalGroup(target, 'SIGKILL');
    await waitForEnd(left, KILL_MS);
    left = others();
  }
  removeTraces(stateDir);
  return { ended, killed, left };
}

/** Removes cluster.json, and locks and pid files whose processes have ended. Journals, stores, logs and traces stay. */
export function removeTraces(stateDir: string): void {
  const pidFiles = nodeFolders(stateDir).map((node) => join(stateFiles.nodes(stateDir), node, 'agent.pid'));
  const files = [
    stateFiles.managerPid(stateDir),
    stateFiles.managerLock(stateDir),
    stateFiles.supervisorPid(stateDir),
    stateFiles.supervisorLock(stateDir),
    stateFiles.supervisorRecord(stateDir),
  ];
  for (const path of [...pidFiles, ...files]) {
    const identity = readPidFile(path);
    if (identity === null || !isRunning(identity)) rmSync(path, { force: true });
  }
  removeClusterFile(stateDir);
}

/** Has the Manager shut all instances down. What it cannot do, the kill that follows does. */
async function askManager(settings: Settings, isHurried: () => boolean): Promise<void> {
  const hurry = new Promise<void>((resolve) => {
    const timer = setInterval(() => isHurried() && finish(), 20);
    const finish = (): void => {
      clearInterval(timer);
      resolve();
    };
    new OperatorClient(settings).command({ command: 'shutdown' }, SHUTDOWN_MS_MAX).then(finish, finish);
  });
  await hurry;
}
