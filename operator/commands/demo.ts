/** `ssmmp demo NAME`: a failure from beginning to end, with what was promised and what was measured. */
import type { Command } from 'commander';
import { didYouMean } from '../../ssmmp/core/did-you-mean.ts';
import { reportText } from '../core/demo-report.ts';
import type { DemoReport } from '../core/demo-report.ts';
import { EXIT, OperatorError, Outcome } from '../core/exit-code.ts';
import { columnsText } from '../core/tables.ts';
import { DEMOS } from '../demos/all.ts';
import { Stage } from '../demos/stage.ts';
import type { Demo } from '../demos/stage.ts';
import { demoTestbed } from '../shell/demo-testbed.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import type { Settings } from '../shell/settings.ts';
import { interruption, settingsOf, withExamples } from './command.ts';

export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('show a failure: what will happen, what happens, promise against measured; under a minute each')
    .argument('<name>', `${DEMOS.map(({ name }) => name).join(', ')}, or list`)
    .action(async (name: string, _options: unknown, self: Command) => {
      const settings = settingsOf(self);
      if (name === 'list') return list(settings);
      const demo = DEMOS.find((one) => one.name === name);
      if (demo === undefined) {
        const guess = didYouMean(name, [...DEMOS.map((one) => one.name), 'list']);
        throw new OperatorError(EXIT.usage, `there is no demo '${name}'${guess}; \`ssmmp demo list\` names them`);
      }
      await show(demo, settings);
    });
  withExamples(command, [
    ['ssmmp demo list', 'the demos'],
    ['ssmmp demo crash', 'on the testbed that runs, else on one of its own'],
    ['ssmmp demo manager -o json', 'for programs; exit code 1 when a promise was broken'],
  ]);
}

function list({ output }: Settings): void {
  const rows = DEMOS.map(({ name, title }) => ({ name, title }));
  if (output === 'json') writeData(`${JSON.stringify(rows, null, 2)}\n`);
  else if (output === 'name') writeData(rows.map(({ name }) => `${name}\n`).join(''));
  else writeData(columnsText(rows.map(({ name, title }) => [name, title])));
}

async function show(demo: Demo, settings: Settings): Promise<void> {
  const style = styleFor(process.stderr);
  tell(`${style.heading(`${demo.name}: ${demo.title}`)}\n${demo.story.map((line) => `  ${line}`).join('\n')}\n`);
  const stop = interruption();
  const testbed = await demoTestbed(settings, demo.needsOwn);
  tell(
    testbed.isOwn
      ? `  on a testbed of its own (${testbed.settings.subnet})\n`
      : `  on the testbed of ${testbed.settings.stateDir}\n`,
  );
  const stage = new Stage(testbed.settings, demo);
  let report: DemoReport | null;
  try {
    report = await Promise.race([perform(demo, stage), interrupted(stop)]);
  } finally {
    await stage.close();
    await testbed.end();
  }
  if (report === null) {
    tell(`${style.bad('ssmmp:')} the demo was interrupted; what it broke is undone`);
    process.exit(EXIT.interrupted); // its script stands somewhere in its middle and must not go on
  }
  if (settings.output === 'json') writeData(`${JSON.stringify(report, null, 2)}\n`);
  else writeData(`\n${reportText(report, styleFor(process.stdout))}`);
  if (!report.kept) throw new Outcome(EXIT.failed);
}

async function perform(demo: Demo, stage: Stage): Promise<DemoReport> {
  const fromMs = performance.now();
  await stage.begin();
  const measures = [...(await demo.run(stage)), ...(await stage.end())];
  const kept = measures.every((one) => one.kept);
  return { demo: demo.name, title: demo.title, measures, kept, seconds: (performance.now() - fromMs) / 1000 };
}

/** Resolves on a Ctrl-C, also one that came while the testbed was started: then faults are undone and the testbed ends. */
function interrupted(stop: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(null);
    else stop.addEventListener('abort', () => resolve(null));
  });
}
