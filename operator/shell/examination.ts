/**
 * The questions of `ssmmp doctor`.
 *
 * Lives here: one function a question; each answer says what to do. Does not live here: printing.
 */
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRunning, readPidFile } from '../../ssmmp/shell/process-identity.ts';
import { COMMON_ADDRESS, managerAddress, nodeAddress } from '../core/addresses.ts';
import { planCluster } from '../core/cluster-plan.ts';
import { distFolder } from './dist-folder.ts';
import { mustShareAddress, portProblem } from './preflight.ts';
import { stateFiles } from './settings.ts';
import type { Settings } from './settings.ts';
import { countedProcesses, findProcesses, stoppedSupervisorText } from './testbed-processes.ts';
import type { FoundProcess } from './testbed-processes.ts';

/** The oldest Node that works; also in package.json (a test compares). */
export const NODE_OLDEST = [20, 19] as const;
/** A testbed with some files in its store fits in this much disk. */
const DISK_BYTES_MIN = 500 * 1024 * 1024;
const NODES_EXAMINED = 3;
const GATEWAY_PORT = 8080;
const BUILT_FILES = ['manager.js', 'supervisor.js', 'agent.js', 'repository.yaml', 'cnapp.yaml'];

export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'problem';
  /** What was found; for a problem what to do about it too. */
  readonly message: string;
}

/** Asks everything, for a cluster of three nodes with the default gateway port. */
export async function examine(settings: Settings): Promise<Finding[]> {
  const running = findProcesses(settings.stateDir);
  const isShared = await mustShareAddress(settings.subnet);
  return [
    nodeFinding(process.versions.node),
    isShared
      ? sharedAddress(settings.subnet)
      : ok('addresses', `${managerAddress(settings.subnet)} and ${nodeAddress(settings.subnet, 1)} … can be used`),
    running.length > 0 ? ok('ports', 'used by the cluster that runs here') : await portFinding(settings, isShared),
    stateFinding(settings, running),
    ...stoppedFindings(settings.stateDir),
    writeFinding(settings.stateDir),
    diskFinding(settings.stateDir),
    buildFinding(),
  ];
}

/** A cluster whose supervisor was stopped looks well until its Manager dies. */
function stoppedFindings(stateDir: string): Finding[] {
  const stopped = stoppedSupervisorText(stateDir);
  return stopped === null ? [] : [problem('supervisor', stopped)];
}

/** Is this version of Node new enough? */
export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = NODE_OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return ok('node', `Node ${version}`);
  return problem(
    'node',
    `Node ${version} is too old: install ${NODE_OLDEST.join('.')} or newer from https://nodejs.org`,
  );
}

function sharedAddress(subnet: string): Finding {
  const message = `${nodeAddress(subnet, 1)} is no address here, so nodes will share ${COMMON_ADDRESS} and differ by port (R16); one such cluster a machine`;
  return ok('addresses', message);
}

async function portFinding(settings: Settings, isShared: boolean): Promise<Finding> {
  const paths = { stateDir: settings.stateDir, graphFile: '', repositoryFile: '', distDir: '' };
  const choices = {
    subnet: settings.subnet,
    nodes: NODES_EXAMINED,
    isShared,
    isStrict: false,
    timerScale: 1,
    timerPreset: 'lab' as const,
    publicPorts: [GATEWAY_PORT],
  };
  const plan = planCluster({ ...paths, ...choices }, join);
  const message = await portProblem(plan);
  if (message !== null) return problem('ports', message);
  return ok('ports', `${[...new Set(plan.ports.map(({ port }) => port))].join(', ')} are free`);
}

function stateFinding(settings: Settings, running: readonly FoundProcess[]): Finding {
  const lock = readPidFile(stateFiles.lock(settings.stateDir));
  if (lock !== null && isRunning(lock))
    return ok('state', `a cluster runs here (pid ${lock.pid}); \`ssmmp down\` ends it`);
  if (running.length > 0) {
    return problem(
      'state',
      `an earlier run left ${countedProcesses(running)}: \`ssmmp up\` with the same options takes them over, \`ssmmp down\` ends them`,
    );
  }
  if (lock !== null)
    return ok('state', 'the last cluster did not end in order; its lock is stale and will be taken over');
  return ok(
    'state',
    existsSync(settings.stateDir) ? `${settings.stateDir} holds an earlier run's data` : 'nothing yet',
  );
}

function writeFinding(stateDir: string): Finding {
  try {
    const place = existingParent(stateDir);
    accessSync(place, constants.W_OK | constants.X_OK);
    if (place === stateDir) mkdirSync(join(stateDir, 'nodes'), { recursive: true });
    return ok('write', `${stateDir} can be written`);
  } catch (error) {
    return problem(
      'write',
      `${stateDir} cannot be written (${(error as NodeJS.ErrnoException).code}): choose another with --state-dir`,
    );
  }
}

function diskFinding(stateDir: string): Finding {
  const { bavail, bsize } = statfsSync(existingParent(stateDir));
  const free = bavail * bsize;
  const text = `${Math.floor(free / 1024 / 1024)} MB free`;
  if (free >= DISK_BYTES_MIN) return ok('disk', text);
  return problem(
    'disk',
    `${text} at ${stateDir}, expected ${DISK_BYTES_MIN / 1024 / 1024} MB: make room, or choose another disk with --state-dir`,
  );
}

function buildFinding(): Finding {
  const missing = BUILT_FILES.filter((name) => !existsSync(join(distFolder(), name)));
  if (missing.length === 0) return ok('build', `the programs are built in ${distFolder()}`);
  return problem('build', `${missing.join(', ')} not in ${distFolder()}: run \`npm run build\``);
}

function existingParent(path: string): string {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

function problem(check: string, message: string): Finding {
  return { check, status: 'problem', message };
}
