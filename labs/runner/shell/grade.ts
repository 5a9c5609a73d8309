/**
 * Grading a folder of submissions: one process each, with limits.
 *
 * Lives here: running them, telling a student's failure from the grader's, writing the files. Does not live here: their
 * formats (core/exports.ts), the check itself (each process runs `ssmmp lab check`).
 */
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { csvText, gradescope, junitXml } from '../core/exports.ts';
import type { Graded, GradingProblem } from '../core/exports.ts';
import { worstOf } from '../core/result.ts';
import type { LabResult } from '../core/result.ts';
import type { Fence } from './fence.ts';
import type { Lab } from './lab-folder.ts';
import type { Places } from './places.ts';

/** Of one check at once: far more than any cluster has, far fewer than would hold up the machine. */
const PROCESSES_MAX = 2_000;

export interface GradeOptions {
  /** Folders of submissions. */
  readonly submissions: readonly string[];
  /** Each submission is checked with each; the worst counts. */
  readonly seeds: readonly number[];
  /** How many at once. */
  readonly jobs: number;
  readonly seconds: number;
  readonly memoryMb: number;
  /** Where the grades go. */
  readonly out: string;
  /** A file that no submission may read: the hidden seeds. Null: none. */
  readonly hidden: string | null;
  readonly onGraded: (graded: Graded, done: number) => void;
}

/** Exit codes of `ssmmp lab check` that come with a result. */
const CODES_WITH_RESULT: readonly number[] = [0, 1, 70];

/** Grades all and writes results.json, results.csv, junit.xml and gradescope/<name>.json. */
export async function gradeAll(lab: Lab, places: Places, fence: Fence, options: GradeOptions): Promise<Graded[]> {
  const all: Graded[] = [];
  const left = options.submissions.map((folder, at) => ({ folder, at }));
  const gradeSome = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const graded = await gradeOne(lab, places, fence, next.folder, options);
      all[next.at] = graded;
      options.onGraded(graded, all.filter((each) => each !== undefined).length);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, gradeSome));
  write(lab, all, options.out);
  return all;
}

async function gradeOne(
  lab: Lab,
  places: Places,
  fence: Fence,
  folder: string,
  options: GradeOptions,
): Promise<Graded> {
  const started = performance.now();
  const submission = basename(resolve(folder));
  const results: LabResult[] = [];
  const runs = join(options.out, 'runs', submission);
  mkdirSync(runs, { recursive: true });
  const foreign = foreignIn(folder);
  let problem: GradingProblem | null = foreign === null ? null : { whose: 'student', text: foreign };
  for (const seed of problem === null ? options.seeds : []) {
    // the seed comes on stdin: what a process is called with can be read by whatever it starts
    const words = ['lab', 'check', String(lab.number), '--dir', folder, '--seed', '-', '-o', 'json'];
    const ran = await fence.run([join(places.dist, 'ssmmp.js'), ...words, '--runs', runs], {
      seconds: options.seconds,
      memoryMb: options.memoryMb,
      processes: PROCESSES_MAX,
      cwd: places.root,
      input: `${seed}\n`,
      readOnly: [places.root, options.out],
      writable: [folder, runs],
      hidden: options.hidden === null ? [] : [options.hidden],
    });
    const result = CODES_WITH_RESULT.includes(ran.code) ? readResult(ran.out) : null;
    if (result !== null) results.push(result);
    if (ran.limit !== null) problem = { whose: 'student', text: ran.limit };
    else if (result === null)
      problem = { whose: 'grader', text: `the check ended with code ${ran.code}: ${ran.err.trim().slice(-500)}` };
    if (problem !== null) break;
  }
  const isWhole = problem === null && results.length > 0;
  return {
    submission,
    result: isWhole ? worstOf(results) : null,
    problem,
    took_ms: Math.round(performance.now() - started),
  };
}

/** What does not belong into a submission: links that lead out of it, and what is neither file nor folder. Null: nothing. */
function foreignIn(folder: string): string | null {
  const top = realpathSync(folder);
  const left = [top];
  for (let at = left.pop(); at !== undefined; at = left.pop())
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      const place = relative(top, path);
      if (entry.isDirectory()) left.push(path);
      else if (entry.isSymbolicLink() && !isBelow(top, path))
        return `${place} is a link that leads out of the submission; hand in the file itself`;
      else if (!entry.isFile() && !entry.isSymbolicLink()) return `${place} is neither a file nor a folder`;
    }
  return null;
}

/** Does a link lead to something below `top`? One that leads nowhere reads as a missing file, which is no matter. */
function isBelow(top: string, link: string): boolean {
  try {
    const place = relative(top, realpathSync(link));
    return !place.startsWith('..') && !isAbsolute(place);
  } catch {
    return true;
  }
}

function readResult(text: string): LabResult | null {
  try {
    const value = JSON.parse(text) as Partial<LabResult>;
    return Array.isArray(value.items) && typeof value.verdict === 'string' ? (value as LabResult) : null;
  } catch {
    return null; // it was cut off: the exit code says more
  }
}

function write(lab: Lab, all: readonly Graded[], out: string): void {
  const pointsMax = lab.checks.reduce((sum, { points }) => sum + points, 0);
  mkdirSync(join(out, 'gradescope'), { recursive: true });
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  writeFileSync(join(out, 'results.json'), json({ lab: lab.name, points_max: pointsMax, submissions: all }));
  writeFileSync(join(out, 'results.csv'), csvText(all));
  writeFileSync(join(out, 'junit.xml'), junitXml(lab.name, all));
  for (const graded of all)
    writeFileSync(join(out, 'gradescope', `${graded.submission}.json`), json(gradescope(graded, pointsMax)));
}
