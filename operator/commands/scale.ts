/** `ssmmp scale SERVICE N`: so many replicas from now on. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { isName } from '../../ssmmp/core/names.ts';
import { Progress } from '../core/progress.ts';
import { runCommand } from '../shell/command-run.ts';
import { clientOf, wholeNumber, withExamples, writeAnswer, writeSteps } from './command.ts';

/** More than any graph allows; the Manager knows the service's own limits. */
const REPLICAS_MAX = 1000;

export function addScale(program: Command): void {
  const command = program
    .command('scale')
    .description('run so many replicas of a service or gateway; returns when they run')
    .argument('<service>', 'its name', serviceName)
    .argument('<replicas>', 'how many', wholeNumber(0, REPLICAS_MAX))
    .option('--dry-run', 'only say what would happen, and why', false)
    .action(async (service: string, replicas: number, options: { dryRun: boolean }, self: Command) => {
      const body = { command: 'scale', service, replicas, dry_run: options.dryRun };
      if (options.dryRun) return writeSteps(await clientOf(self).command(body), self);
      const answer = await runCommand(clientOf(self), body, new Progress([service]));
      const { running, desired } = answer;
      const overtaken = desired === replicas ? '' : `; the wanted number is ${String(desired)} by now`;
      writeAnswer(answer, `${service} has ${counted(Number(running))}${overtaken}`, self);
    });
  withExamples(command, [
    ['ssmmp scale post 3', 'three replicas of post; sessions spread over them'],
    ['ssmmp scale post 1', 'two are drained, then shut down: nothing is lost'],
    ['ssmmp scale post 5 --dry-run', 'where they would start'],
  ]);
}

function serviceName(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError('Expected the name of a service; `ssmmp get services` lists them.');
}

function counted(replicas: number): string {
  return `${replicas} replica${replicas === 1 ? '' : 's'}`;
}
