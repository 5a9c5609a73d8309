/** `ssmmp doctor`: will a cluster start here? */
import type { Command } from 'commander';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { columnsText, stateText } from '../core/tables.ts';
import { examine } from '../shell/examination.ts';
import { styleFor, writeData } from '../shell/output.ts';
import { settingsOf, withExamples } from './command.ts';

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check Node, addresses, ports, disk, state and build before a start')
    .action(async (_options: unknown, self: Command) => {
      const settings = settingsOf(self);
      const findings = await examine(settings);
      const style = styleFor(process.stdout);
      if (settings.output === 'json') writeData(`${JSON.stringify(findings, null, 2)}\n`);
      else if (settings.output === 'name') writeData(findings.map(({ check }) => `${check}\n`).join(''));
      else
        writeData(
          columnsText(findings.map(({ check, status, message }) => [stateText(status, style), check, message])),
        );
      const problems = findings.filter(({ status }) => status === 'problem').length;
      if (problems > 0)
        throw new OperatorError(EXIT.failed, `${problems} of ${findings.length} checks found a problem`);
    });
  withExamples(command, [
    ['ssmmp doctor', 'every line ok, or what to do'],
    ['ssmmp doctor --subnet 127.0.7 --state-dir .ssmmp-7', 'for another cluster'],
  ]);
}
