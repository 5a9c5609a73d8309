/**
 * The processes of a cluster on this machine, as its state directory names them.
 *
 * Lives here: finding them through pid files and the agents' records, signalling them, waiting for their end.
 * Does not live here: starting them (supervised.ts), the order in which a cluster stops (cluster-stop.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copiedFrom } from '../../ssmmp/shell/folder-mark.ts';
import { isRunning, isStopped, readPidFile } from '../../ssmmp/shell/process-identity.ts';
import type { ProcessIdentity } from '../../ssmmp/shell/process-identity.ts';
import { stateFiles } from './settings.ts';

export interface FoundProcess extends ProcessIdentity {
  readonly role: 'up' | 'supervisor' | 'manager' | 'agent' | 'instance';
  /** `Manager`, `agent of node 2`, `post/5`. */
  readonly name: string;
  /** The folder's name under nodes/, for agents and instances. */
  readonly node: string | null;
  /** For instances. */
  readonly instanceId: number | null;
}

/** Every process of the cluster that runs, in the order in which they are to be ended. */
export function findProcesses(stateDir: string): FoundProcess[] {
  /** The first of the files that names a process which runs. */
  const named = (role: 'up' | 'supervisor' | 'manager', name: string, ...paths: string[]): FoundProcess[] => {
    const identities = paths.map(readPidFile).filter((identity) => identity !== null);
    const identity = identities.find(isRunning);
    return identity === undefined ? [] : [{ ...identity, role, name, node: null, instanceId: null }];
  };
  const nodes = nodeFolders(stateDir);
  const agents = nodes.flatMap((node): FoundProcess[] => {
    const identity = readPidFile(join(stateFiles.nodes(stateDir), node, 'agent.pid'));
    return identity === null
      ? []
      : [{ ...identity, role: 'agent', name: `agent of node ${node}`, node, instanceId: null }];
  });
  const all = [
    ...named('up', 'ssmmp up', stateFiles.lock(stateDir)),
    ...agents,
    ...named('supervisor', 'supervisor', stateFiles.supervisorPid(stateDir), stateFiles.supervisorLock(stateDir)),
    // A Manager that starts has neither pid file nor lock yet; its supervisor has written down who it is.
    ...named(
      'manager',
      'Manager',
      stateFiles.managerPid(stateDir),
      stateFiles.managerLock(stateDir),
      stateFiles.supervisorRecord(stateDir),
    ),
    ...nodes.flatMap((node) => instancesOf(stateDir, node)),
  ];
  return all.filter(isRunning);
}

/** `ssmmp up, the Manager, 3 agents, 9 instances`. */
export function countedProcesses(found: readonly FoundProcess[]): string {
  const count = (role: FoundProcess['role']): number => found.filter((one) => one.role === role).length;
  const some = (number: number, noun: string): string[] =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  return [
    ...(count('up') > 0 ? ['ssmmp up'] : []),
    ...(count('supervisor') > 0 ? ['the supervisor'] : []),
    ...(count('manager') > 0 ? ['the Manager'] : []),
    ...some(count('agent'), 'agent'),
    ...some(count('instance'), 'instance'),
  ].join(', ');
}

/**
 * One sentence on a supervisor that was stopped (SIGSTOP): it lives, watches nobody, and starts no Manager. Nobody takes its place, as
 * whoever stopped it wants to see just that; so it must be said. Null where it is well, or none runs.
 */
export function stoppedSupervisorText(stateDir: string): string | null {
  const supervisor = findProcesses(stateDir).find(({ role }) => role === 'supervisor');
  if (supervisor === undefined || !isStopped(supervisor.pid)) return null;
  return `the supervisor (pid ${supervisor.pid}) is stopped, so nobody starts a Manager that dies: \`ssmmp kill supervisor --signal CONT\` lets it go on`;
}

/** The names of the folders under nodes/, by number where they are numbers. */
export function nodeFolders(stateDir: string): string[] {
  try {
    const entries = readdirSync(stateFiles.nodes(stateDir), { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return []; // no node was started from here
  }
}

/** Sends a signal to the process group it leads, or to it alone where it leads none. Says whether there was a process. */
export function signalGroup(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(target)) return false;
  return send(-target.pid, signal) || send(target.pid, signal);
}

/** Sends a signal to the process alone. Says whether there was one. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isRunning(target) && send(target.pid, signal);
}

/** Waits until all have ended or the time is over; gives back those that still run. */
export async function waitForEnd(
  targets: readonly FoundProcess[],
  waitMs: number,
  isAborted = (): boolean => false,
): Promise<FoundProcess[]> {
  const deadline = performance.now() + waitMs;
  let left = targets.filter(isRunning);
  while (left.length > 0 && performance.now() < deadline && !isAborted()) {
    await sleep(20);
    left = left.filter(isRunning);
  }
  return left;
}

/** The children an agent has written down; which of them live is another question. */
function instancesOf(stateDir: string, node: string): FoundProcess[] {
  const nodeFolder = join(stateFiles.nodes(stateDir), node);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(nodeFolder, 'agent.json'), 'utf8'));
  } catch {
    return []; // the agent never wrote, or was killed while it did
  }
  const { children, folder } = (value ?? {}) as { children?: unknown; folder?: unknown };
  if (copiedFrom(folder, nodeFolder) !== null) return []; // they are another cluster's
  if (!Array.isArray(children)) return [];
  return children.flatMap((child: Record<string, unknown>): FoundProcess[] => {
    const { pid, start_time: startTime, service_instance_id: id, service_name: service } = child;
    if (typeof pid !== 'number' || pid <= 1 || typeof id !== 'number') return [];
    const started = typeof startTime === 'string' || typeof startTime === 'number' ? String(startTime) : null;
    return [{ pid, startTime: started, role: 'instance', name: `${String(service)}/${id}`, node, instanceId: id }];
  });
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // ESRCH: gone meanwhile, or no group of that number; EPERM: somebody else's
    if (['ESRCH', 'EPERM', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
