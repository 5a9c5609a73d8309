/** `ssmmp lab grade`: many submissions with one command; for instructors. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { blame } from '../../labs/runner/core/exports.ts';
import type { Graded } from '../../labs/runner/core/exports.ts';
import { seconds } from '../../labs/runner/core/verdict.ts';
import { makeFence } from '../../labs/runner/shell/fence.ts';
import { gradeAll } from '../../labs/runner/shell/grade.ts';
import { findLab, LabError } from '../../labs/runner/shell/lab-folder.ts';
import { shortPath } from '../../labs/runner/shell/work-folder.ts';
import { EXIT, Outcome } from '../core/exit-code.ts';
import { visible } from '../core/event-text.ts';
import { columnsText } from '../core/tables.ts';
import { labErrors, labPlaces } from '../shell/labs.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { settingsOf, wholeNumber, withExamples } from './command.ts';

const SECONDS_MAX = 3600;
const MEMORY_MB_MAX = 65_536;
const JOBS_MAX = 64;
const SEEDS_MAX = 100;
/** What one job uses most of: a cluster and a check keep about two processors busy. */
const PROCESSORS_A_JOB = 2;

interface Options {
  readonly lab: string;
  readonly out: string;
  readonly seeds?: string;
  readonly jobs?: number;
  readonly seconds: number;
  readonly memory: number;
}

export function addLabGrade(lab: Command): void {
  const command = lab
    .command('grade')
    .description('grade folders of submissions: results.json, results.csv, junit.xml, gradescope/')
    .argument('<dirs...>', 'one folder a submission')
    .requiredOption('--lab <lab>', 'which lab they are of')
    .option('--out <folder>', 'where the grades go', 'grades')
    .option('--seeds <file>', 'whole numbers; each submission is checked with each, the worst counts (default: 1)')
    .option('--jobs <n>', 'how many at once', wholeNumber(1, JOBS_MAX))
    .option('--seconds <n>', 'longest time of one check', wholeNumber(1, SECONDS_MAX), 600)
    .option('--memory <mb>', 'most memory of all its processes', wholeNumber(128, MEMORY_MB_MAX), 4096)
    .action(async (dirs: string[], options: Options, self: Command) => {
      await labErrors(() => grade(dirs, options, self));
    });
  withExamples(command, [
    ['ssmmp lab grade submissions/* --lab 0', 'into grades/'],
    ['ssmmp lab grade submissions/* --lab 8 --seeds hidden.txt', 'with seeds that students do not have'],
  ]);
}

async function grade(dirs: readonly string[], options: Options, command: Command): Promise<void> {
  const places = labPlaces();
  const lab = findLab(places, options.lab);
  const folders = dirs.map((dir) => resolve(dir));
  for (const folder of folders)
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new LabError(`${folder} is no folder; expected one folder a submission, such as submissions/*`, true);
  const twice = folders.find((folder, at) => folders.findIndex((each) => basename(each) === basename(folder)) !== at);
  if (twice !== undefined)
    throw new LabError(`two submissions are called ${basename(twice)}; their grades would be one`, true);
  const fence = makeFence();
  const style = styleFor(process.stderr);
  const out = resolve(options.out);
  const seeds = options.seeds === undefined ? [1] : readSeeds(options.seeds);
  tell(
    `${folders.length} submissions of lab ${lab.number}, ${seeds.length} seed${seeds.length === 1 ? '' : 's'}; ${fence.says}`,
  );
  const width = Math.max(...folders.map((folder) => basename(folder).length));
  const all = await gradeAll(lab, places, fence, {
    submissions: folders,
    seeds,
    jobs: options.jobs ?? Math.max(1, Math.floor(availableParallelism() / PROCESSORS_A_JOB)),
    seconds: options.seconds,
    memoryMb: options.memory,
    out,
    hidden: options.seeds === undefined ? null : resolve(options.seeds),
    onGraded: (graded, done) => {
      const points = graded.result === null ? 'no grade' : `${graded.result.points}/${graded.result.points_max}`;
      const why = graded.problem === null ? '' : `  ${graded.problem.whose}: ${visible(graded.problem.text)}`;
      tell(
        `${String(done).padStart(3)}/${folders.length}  ${visible(graded.submission).padEnd(width)}  ${points.padStart(8)}  ${seconds(graded.took_ms)}${style.bad(why)}`,
      );
    },
  });
  const isJson = settingsOf(command).output === 'json';
  writeData(isJson ? `${JSON.stringify(all, null, 2)}\n` : table(all));
  tell(
    `written: ${['results.json', 'results.csv', 'junit.xml', 'gradescope'].map((name) => shortPath(join(out, name))).join(', ')}`,
  );
  if (all.some((graded) => blame(graded) === 'grader')) {
    tell(
      'At least one check broke: that is the grader, not the student. Look at `problem` and `error` in results.json.',
    );
    throw new Outcome(EXIT.broken);
  }
}

function table(all: readonly Graded[]): string {
  const rows = all.map((graded) => [
    visible(graded.submission),
    String(graded.result?.points ?? 0),
    graded.result?.verdict ?? (graded.problem?.whose === 'student' ? 'failed' : 'broken'),
    (graded.problem === null ? null : visible(graded.problem.text)) ??
      graded.result?.items
        .filter(({ status }) => status !== 'passed')
        .map(({ name }) => name)
        .join(', ') ??
      '',
  ]);
  return columnsText([['SUBMISSION', 'POINTS', 'VERDICT', 'WHY'], ...rows]);
}

function readSeeds(file: string): number[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new LabError(`--seeds ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`, true);
  }
  const words = text
    .replaceAll(/#.*$/gm, '')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const wrong = words.find((word) => !/^\d{1,9}$/.test(word));
  if (wrong !== undefined || words.length === 0 || words.length > SEEDS_MAX)
    throw new LabError(
      `--seeds ${file}: expected 1 to ${SEEDS_MAX} whole numbers, found ${wrong === undefined ? `${words.length} of them` : `'${wrong}'`}`,
      true,
    );
  return words.map(Number);
}
