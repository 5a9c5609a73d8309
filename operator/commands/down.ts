/** `ssmmp down`: end the cluster of a state directory, whole, detached or half dead. */
import type { Command } from 'commander';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { removeTraces, stopCluster } from '../shell/cluster-stop.ts';
import { undoLeftFaults } from '../shell/fault-file.ts';
import { removeLeftNetns } from '../shell/netns.ts';
import { tell, writeData } from '../shell/output.ts';
import { countedProcesses, findProcesses, signalProcess, waitForEnd } from '../shell/testbed-processes.ts';
import { copyText, dropDeadUpLock } from '../shell/up-lock.ts';
import { settingsOf, withExamples } from './command.ts';

/** `ssmmp up` promises to be done within 5 s. */
const UP_MS_MAX = 6000;

export function addDown(program: Command): void {
  const command = program
    .command('down')
    .description('end the cluster of the state directory; data, logs and traces stay')
    .action(async (_options: unknown, self: Command) => {
      await down(self);
    });
  withExamples(command, [
    ['ssmmp down', 'end the cluster that was started here'],
    ['ssmmp down --state-dir .ssmmp-7', 'another one'],
  ]);
}

async function down(command: Command): Promise<void> {
  const settings = settingsOf(command);
  const found = findProcesses(settings.stateDir);
  if (found.length === 0) {
    const copy = copyText(settings.stateDir);
    if (copy !== null) tell(copy);
    undoLeftFaults(settings.stateDir);
    removeLeftNetns(settings.stateDir);
    removeTraces(settings.stateDir);
    dropDeadUpLock(settings.stateDir);
    writeData(`nothing runs from ${settings.stateDir}\n`);
    return;
  }
  const ups = found.filter(({ role }) => role === 'up');
  for (const up of ups) signalProcess(up, 'SIGTERM');
  for (const up of await waitForEnd(ups, UP_MS_MAX)) signalProcess(up, 'SIGKILL');
  await waitForEnd(ups, 1000);
  undoLeftFaults(settings.stateDir);
  const report = await stopCluster(settings, () => false);
  removeLeftNetns(settings.stateDir);
  dropDeadUpLock(settings.stateDir);
  if (report.left.length > 0) {
    const names = report.left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
    throw new OperatorError(EXIT.failed, `could not end ${names}; does another user own them?`);
  }
  writeData(`ended ${countedProcesses(found)}; data, logs and traces stay in ${settings.stateDir}\n`);
}
