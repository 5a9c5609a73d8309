/** `ssmmp plan FILE` and `ssmmp apply FILE`: another graph for the running CNApp, first as a difference, then for real. */
import type { Command } from 'commander';
import { servicesOf } from '../../ssmmp/core/graph-difference.ts';
import { EXIT, OperatorError, Outcome } from '../core/exit-code.ts';
import { Progress } from '../core/progress.ts';
import { changesText, planOf, stepsText } from '../core/steps.ts';
import type { PlanAnswer } from '../core/steps.ts';
import { runCommand } from '../shell/command-run.ts';
import { readGraphText } from '../shell/graph-file.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { clientOf, settingsOf, withExamples, writeAnswer } from './command.ts';

export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .description('what apply would change and do; exit code 0 for nothing, 2 for differences')
    .argument('<file>', 'a graph file')
    .action(async (file: string, _options: unknown, self: Command) => {
      const answer = await ask(clientOf(self), file, await readGraphText(file));
      const plan = planOf(answer);
      if (settingsOf(self).output === 'json') writeData(`${JSON.stringify(answer, null, 2)}\n`);
      else writePlan(plan);
      if (plan.refused.length > 0) throw refused(file, plan);
      if (plan.changes.length > 0) throw new Outcome(EXIT.differences);
    });
  withExamples(command, [
    ['ssmmp plan cnapp.yaml', 'the difference to the graph that runs, and what follows from it'],
    ['ssmmp plan cnapp.yaml || ssmmp apply cnapp.yaml', 'apply it if there is one'],
  ]);
}

export function addApply(program: Command): void {
  const command = program
    .command('apply')
    .description('give the running CNApp another graph; returns when all that follows is done')
    .argument('<file>', 'a graph file')
    .action(async (file: string, _options: unknown, self: Command) => {
      const client = clientOf(self);
      const isJson = settingsOf(self).output === 'json';
      const graph = await readGraphText(file);
      const plan = planOf(await ask(client, file, graph));
      if (!isJson) writePlan(plan);
      if (plan.refused.length > 0) throw refused(file, plan);
      const body = { command: 'apply', file, ...graph, dry_run: false };
      const answer = await runCommand(client, body, new Progress([...plan.changes.flatMap(servicesOf)]));
      if (isJson || plan.changes.length > 0) writeAnswer(answer, `${file} is applied`, self);
    });
  withExamples(command, [
    ['ssmmp apply cnapp.yaml', 'services and edges come and go while users are served'],
    ['ssmmp plan cnapp.yaml', 'look first'],
  ]);
}

function ask(
  client: OperatorClient,
  file: string,
  graph: Awaited<ReturnType<typeof readGraphText>>,
): Promise<Record<string, unknown>> {
  return client.command({ command: 'apply', file, ...graph, dry_run: true });
}

function writePlan(plan: PlanAnswer): void {
  const style = styleFor(process.stdout);
  for (const warning of plan.warnings) tell(`${styleFor(process.stderr).warn('warning:')} ${warning}`);
  if (plan.changes.length === 0) return writeData('no difference to the graph that runs\n');
  const steps = plan.refused.length > 0 ? '' : `\n${stepsText(plan.steps, style)}`;
  writeData(`${changesText(plan.changes, style)}${steps}`);
}

function refused(file: string, plan: PlanAnswer): OperatorError {
  const message = `${file} cannot be applied: ${plan.refused.join('; ')}`;
  return new OperatorError(EXIT.failed, message, 409, plan);
}
