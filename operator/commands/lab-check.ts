/** `ssmmp lab check` and `ssmmp lab watch`. */
import { randomInt } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { worstOf } from '../../labs/runner/core/result.ts';
import type { LabResult } from '../../labs/runner/core/result.ts';
import { verdictText } from '../../labs/runner/core/verdict.ts';
import { runCheck } from '../../labs/runner/shell/check.ts';
import { findLab, LabError } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import type { Places } from '../../labs/runner/shell/places.ts';
import { makeRunFolder, writeRun } from '../../labs/runner/shell/run-folder.ts';
import { shipSolution, shipStarter, shipWrong } from '../../labs/runner/shell/shipped.ts';
import { findWork, rememberVerdict, shortPath } from '../../labs/runner/shell/work-folder.ts';
import { EXIT, Outcome } from '../core/exit-code.ts';
import type { ExitCode } from '../core/exit-code.ts';
import { labErrors, labPlaces, runsOption } from '../shell/labs.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { interruption, settingsOf, wholeNumber, withExamples } from './command.ts';

const SEED_MAX = 999_999_999;
const REPEAT_MAX = 1000;
/** Editors write a file in several steps; what comes within this time is one save. */
const SAVE_MS = 150;
/** Changes there are no saves: state of clusters, what we remember ourselves. */
const NOT_WATCHED = /(^|[\\/])(\.ssmmp|\.lab\.json|node_modules|\.git)([\\/]|$)|~$|\.sw.$/;

interface CheckOptions {
  readonly dir?: string;
  readonly seed?: number;
  readonly only: readonly string[];
  readonly repeat: number;
  readonly quick: boolean;
  readonly starter: boolean;
  readonly solution: boolean;
  readonly wrong?: string;
  readonly runs?: string;
}

export function addLabCheck(lab: Command): void {
  const command = lab
    .command('check')
    .description('check your work: points per item, and the first failure in full')
    .argument('[lab]', 'its number (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .option('--seed <n>', 'chance comes from it; - reads it from stdin (default: another one each time)', seedOf)
    .option('--only <items>', 'only these items, with commas', (text: string) => text.split(','), [])
    .option('--repeat <n>', 'so many times, each with the next seed; the worst counts', wholeNumber(1, REPEAT_MAX), 1)
    .option('--quick', 'without the items that start processes', false)
    .option('--starter', 'check what the lab starts with (it must fail)', false)
    .option('--solution', 'check the solution that ships (it must pass)', false)
    .option('--wrong <name>', 'check one of the wrong answers that ship')
    .addOption(runsOption())
    .action(async (wanted: string | undefined, options: CheckOptions, self: Command) => {
      await labErrors(() => check(wanted ?? null, options, self));
    });
  withExamples(command, [
    ['ssmmp lab check', 'in the working folder'],
    ['ssmmp lab check 0', 'from the clone'],
    ['ssmmp lab check 3 --only meets-the-goal --seed 7', 'one item, the same run again'],
    ['ssmmp lab check 0 --solution', 'what a right answer looks like to the check'],
  ]);
}

function seedOf(text: string): number {
  return wholeNumber(0, SEED_MAX)(text === '-' ? readFileSync(0, 'utf8').trim() : text);
}

async function check(wanted: string | null, options: CheckOptions, command: Command): Promise<void> {
  const places = labPlaces(options.runs);
  const isShipped = options.starter || options.solution || options.wrong !== undefined;
  const own = isShipped ? null : findWork(places, wanted, options.dir ?? null);
  const lab = own?.lab ?? findLab(places, wanted ?? findWork(places, null, null).lab.name);
  const unknown = options.only.filter((name) => !lab.checks.some((item) => item.name === name));
  if (unknown.length > 0)
    throw new LabError(
      `lab ${lab.number} has no item '${unknown.join("', '")}'; there are ${lab.checks.map(({ name }) => name).join(', ')}`,
      true,
    );
  // Node would open its debugger to whoever may send this signal: the programs of a submission may
  process.on('SIGUSR1', () => undefined);
  const first = options.seed ?? randomInt(1, SEED_MAX);
  const stop = interruption();
  const results: LabResult[] = [];
  let report = '';
  for (let run = 0; run < options.repeat && !stop.aborted; run += 1) {
    const runFolder = makeRunFolder(places, lab.name);
    const folder = own?.folder ?? (await ship(lab, options, join(runFolder, 'work'), places, first + run));
    const checked = await runCheck(lab, folder, places, {
      seed: first + run,
      only: options.only,
      quickOnly: options.quick,
      runFolder,
      command: againText(lab, options),
      stop,
    });
    report = writeRun(places, runFolder, checked);
    results.push(checked.result);
    if (options.repeat > 1) tell(`run ${run + 1}, seed ${first + run}: ${checked.result.verdict}`);
    if (checked.result.verdict !== 'passed') break;
  }
  const result = worstOf(results);
  const isWhole = options.only.length === 0 && !options.quick;
  if (own !== null) rememberVerdict(own.folder, result, isWhole, report);
  if (settingsOf(command).output === 'json') writeData(`${JSON.stringify(result, null, 2)}\n`);
  else {
    writeData(verdictText(result, styleFor(process.stdout)));
    tell(`report: ${shortPath(report)}`);
  }
  if (result.verdict !== 'passed') throw new Outcome(codeOf(result));
}

async function ship(lab: Lab, options: CheckOptions, folder: string, places: Places, seed: number): Promise<string> {
  if (options.starter) await shipStarter(lab, folder, places);
  else if (options.wrong === undefined) await shipSolution(lab, folder, places, seed);
  else {
    const solved = `${folder}-solved`;
    await shipSolution(lab, solved, places, seed);
    await shipWrong(lab, options.wrong, solved, folder, places, seed);
  }
  return folder;
}

function codeOf({ verdict }: LabResult): ExitCode {
  return verdict === 'broken' ? EXIT.broken : EXIT.failed;
}

function againText(lab: Lab, options: CheckOptions): string {
  const words = ['npx ssmmp lab check', String(lab.number)];
  if (options.dir !== undefined) words.push(`--dir ${options.dir}`);
  if (options.starter) words.push('--starter');
  if (options.solution) words.push('--solution');
  if (options.wrong !== undefined) words.push(`--wrong ${options.wrong}`);
  return words.join(' ');
}

export function addLabWatch(lab: Command): void {
  const command = lab
    .command('watch')
    .description('check again on every save, without the items that start processes')
    .argument('[lab]', 'its number (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .option('--all', 'with the items that start processes', false)
    .addOption(runsOption())
    .action(async (wanted: string | undefined, options: { dir?: string; all: boolean; runs?: string }) => {
      await labErrors(() => watchFolder(wanted ?? null, options));
    });
  withExamples(command, [
    ['ssmmp lab watch', 'in the working folder, until Ctrl-C'],
    ['ssmmp lab watch 3 --all', 'every item, on every save'],
  ]);
}

async function watchFolder(
  wanted: string | null,
  options: { readonly dir?: string; readonly all: boolean; readonly runs?: string },
): Promise<void> {
  const places = labPlaces(options.runs);
  const { folder, lab } = findWork(places, wanted, options.dir ?? null);
  const stop = interruption();
  const isQuick = !options.all && lab.checks.some(({ live }) => !live);
  if (!isQuick && !options.all) tell('Every item of this lab starts processes; all are checked.');
  let wake: (() => void) | null = null;
  let isDue = true;
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (name !== null && NOT_WATCHED.test(name)) return;
    isDue = true;
    wake?.();
  });
  stop.addEventListener('abort', () => wake?.());
  try {
    while (!stop.aborted) {
      if (isDue) {
        await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
        isDue = false;
        await checkOnce(lab, folder, places, isQuick, stop);
        tell('Watching; save a file to check again, Ctrl-C to end.');
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isDue || stop.aborted) resolve();
      });
    }
  } finally {
    watcher.close();
  }
}

async function checkOnce(lab: Lab, folder: string, places: Places, isQuick: boolean, stop: AbortSignal): Promise<void> {
  const runFolder = makeRunFolder(places, lab.name);
  const checked = await runCheck(lab, folder, places, {
    seed: randomInt(1, SEED_MAX),
    only: [],
    quickOnly: isQuick,
    runFolder,
    command: `npx ssmmp lab check ${lab.number}`,
    stop,
  });
  const report = writeRun(places, runFolder, checked);
  rememberVerdict(folder, checked.result, !isQuick, report);
  writeData(`\n${verdictText(checked.result, styleFor(process.stdout))}`);
}
