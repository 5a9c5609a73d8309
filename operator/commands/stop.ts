/** `ssmmp stop INSTANCE`: shut one instance down as SSMMP says. */
import type { Command } from 'commander';
import { parseInstance } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { writeData } from '../shell/output.ts';
import { clientOf, settingsOf, withExamples } from './command.ts';

export function addStop(program: Command): void {
  const command = program
    .command('stop')
    .description('shut an instance down: drain, close its sessions, graceful shutdown; with --hard kill it')
    .argument('<instance>', 'an id or service/id')
    .option('--hard', 'hard shutdown: the other ends close their sessions, then the process is killed', false)
    .action(async (instance: string, options: { hard: boolean }, self: Command) => {
      if (parseInstance(instance) === null) {
        throw new OperatorError(
          EXIT.usage,
          `'${instance}' names no instance; expected an id such as 5 or service/id such as post/5`,
        );
      }
      const answer = await clientOf(self).command({ command: 'stop', instance, hard: options.hard });
      if (settingsOf(self).output === 'json') writeData(`${JSON.stringify(answer, null, 2)}\n`);
      else writeData(`${instance} is ${typeof answer['status'] === 'string' ? answer['status'] : 'off'}\n`);
    });
  withExamples(command, [
    ['ssmmp stop post/5', 'nothing is lost: its sessions move to others first'],
    ['ssmmp stop 5 --hard', 'the agent kills the process'],
  ]);
}
