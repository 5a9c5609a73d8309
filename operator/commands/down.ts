/** `ssmmp down`: end the cluster of a state directory, whole, detached or half dead. */
import type { Command } from 'commander';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { removeTraces, stopCluster } from '../shell/cluster-stop.ts';
import { writeData } from '../shell/output.ts';
import { findProcesses, signalProcess, waitForEnd } from '../shell/testbed-processes.ts';
import type { FoundProcess } from '../shell/testbed-processes.ts';
import { dropDeadUpLock } from '../shell/up-lock.ts';
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
    removeTraces(settings.stateDir);
    dropDeadUpLock(settings.stateDir);
    writeData(`nothing runs from ${settings.stateDir}\n`);
    return;
  }
  const ups = found.filter(({ role }) => role === 'up');
  for (const up of ups) signalProcess(up, 'SIGTERM');
  for (const up of await waitForEnd(ups, UP_MS_MAX)) signalProcess(up, 'SIGKILL');
  await waitForEnd(ups, 1000);
  const report = await stopCluster(settings, () => false);
  dropDeadUpLock(settings.stateDir);
  if (report.left.length > 0) {
    const names = report.left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
    throw new OperatorError(EXIT.failed, `could not end ${names}; does another user own them?`);
  }
  writeData(`ended ${summary(found)}; data, logs and traces stay in ${settings.stateDir}\n`);
}

/** `ssmmp up, Manager, 3 agents, 9 instances`. */
function summary(found: readonly FoundProcess[]): string {
  const count = (role: FoundProcess['role']): number => found.filter((one) => one.role === role).length;
  const some = (number: number, noun: string): string[] =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  return [
    ...(count('up') > 0 ? ['ssmmp up'] : []),
    ...(count('manager') > 0 ? ['the Manager'] : []),
    ...some(count('agent'), 'agent'),
    ...some(count('instance'), 'instance'),
  ].join(', ');
}
