/**
 * What a `ssmmp up` that was killed has left: taken over, left alone or ended.
 *
 * Lives here: which of these. Does not live here: taking over (cluster-run.ts), ending in order (cluster-stop.ts).
 */
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { readClusterFile } from './cluster-file.ts';
import type { ClusterOptions } from './cluster-file.ts';
import { stopCluster } from './cluster-stop.ts';
import { undoLeftFaults } from './fault-file.ts';
import { removeLeftNetns } from './netns.ts';
import { tell } from './output.ts';
import type { Settings } from './settings.ts';
import { countedProcesses, findProcesses } from './testbed-processes.ts';
import type { FoundProcess } from './testbed-processes.ts';

/**
 * The processes to take over: those that were started with the same options; null where there are none. Throws OperatorError, and
 * leaves them alone, where the options are others. Those that do not say how they were started are ended: they would hold the
 * ports. Faults that are left are undone in any case.
 */
export async function sortOutLeftovers(
  settings: Settings,
  chosen: ClusterOptions,
): Promise<readonly FoundProcess[] | null> {
  undoLeftFaults(settings.stateDir);
  const left = findProcesses(settings.stateDir).filter(({ role }) => role !== 'up');
  if (left.length === 0) {
    removeLeftNetns(settings.stateDir);
    return null;
  }
  const file = readClusterFile(settings.stateDir);
  if (file?.options !== undefined) {
    const before = { subnet: file.subnet, ...file.options };
    const now = { subnet: settings.subnet, ...chosen };
    const others = (Object.keys(now) as (keyof typeof now)[]).filter((name) => before[name] !== now[name]);
    if (others.length > 0) {
      const differences = others.map((name) => `${name} ${String(before[name])}, not ${String(now[name])}`).join('; ');
      const message = `${countedProcesses(left)} still run from ${settings.stateDir}, started with other options (${differences}): give the same to take them over, or end them with \`ssmmp down\``;
      throw new OperatorError(EXIT.failed, message);
    }
    tell(`taking over what an earlier run left: ${countedProcesses(left)}`);
    return left;
  }
  tell(`ending what an earlier run left: ${countedProcesses(left)}`);
  await stopCluster(settings, () => true);
  return null;
}
