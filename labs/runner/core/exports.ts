/**
 * Grades of many submissions in the formats that others read: JUnit XML, CSV, Gradescope's results.json.
 *
 * Lives here: the texts. Does not live here: running submissions (shell/grade.ts).
 */
import type { ItemResult, LabResult } from './result.ts';

/** What became of one submission. `result` is null where the grader got none: it crashed, or the time was over. */
export interface Graded {
  /** Name of the submission's folder. */
  readonly submission: string;
  readonly result: LabResult | null;
  /** Why there is no result; null where there is one. */
  readonly problem: GradingProblem | null;
  readonly took_ms: number;
}

/**
 * `student`: the submission used up its time or memory, which is its own doing. `grader`: the check broke, which is not.
 */
export interface GradingProblem {
  readonly whose: 'student' | 'grader';
  readonly text: string;
}

/** Whose doing is it when a submission did not pass? Null where it passed. */
export function blame(graded: Graded): 'student' | 'grader' | null {
  if (graded.problem !== null) return graded.problem.whose;
  const verdict = graded.result?.verdict ?? 'broken';
  return verdict === 'passed' ? null : verdict === 'broken' ? 'grader' : 'student';
}

/** JUnit XML: a suite a submission, a case an item; a broken check is an error, a wrong answer a failure. */
export function junitXml(lab: string, all: readonly Graded[]): string {
  const suites = all.map(({ submission, result, problem, took_ms: tookMs }) => {
    const cases = (result?.items ?? [])
      .filter(({ status }) => status !== 'left out')
      .map((item) => junitCase(submission, item));
    if (problem !== null) {
      const tag = problem.whose === 'grader' ? 'error' : 'failure';
      cases.push(
        `    <testcase classname="${xml(submission)}" name="run"><${tag} message="${xml(problem.text)}"/></testcase>`,
      );
    }
    const count = (tag: string): number => cases.filter((text) => text.includes(`<${tag} `)).length;
    return `  <testsuite name="${xml(`${lab} ${submission}`)}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" time="${(tookMs / 1000).toFixed(3)}">\n${cases.join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xml(lab)}">\n${suites.join('\n')}\n</testsuites>\n`;
}

function junitCase(submission: string, item: ItemResult): string {
  const open = `    <testcase classname="${xml(submission)}" name="${xml(item.name)}" time="${(item.took_ms / 1000).toFixed(3)}"`;
  if (item.status === 'failed')
    return `${open}><failure message="${xml(item.says)}">${xml(failureText(item))}</failure></testcase>`;
  if (item.status === 'broken')
    return `${open}><error message="the check broke">${xml(item.error ?? '')}</error></testcase>`;
  return `${open}/>`;
}

/** One line a submission: points of each item, the sum, whose doing a failure is. */
export function csvText(all: readonly Graded[]): string {
  const names = all.find(({ result }) => result !== null)?.result?.items.map(({ name }) => name) ?? [];
  const head = ['submission', ...names, 'points', 'points_max', 'verdict', 'blame', 'problem'];
  const rows = all.map((graded) => {
    const { submission, result, problem } = graded;
    const points = names.map((name) => result?.items.find((item) => item.name === name)?.points ?? 0);
    const verdict = result?.verdict ?? (problem?.whose === 'student' ? 'failed' : 'broken');
    return [
      submission,
      ...points,
      result?.points ?? 0,
      result?.points_max ?? '',
      verdict,
      blame(graded) ?? '',
      problem?.text ?? '',
    ];
  });
  return [head, ...rows].map((row) => `${row.map((cell) => csvCell(String(cell))).join(',')}\n`).join('');
}

/** Gradescope's results.json of one submission (https://gradescope-autograders.readthedocs.io). */
export function gradescope(graded: Graded, pointsMax: number): Readonly<Record<string, unknown>> {
  const { result, problem } = graded;
  const seconds = Math.round(graded.took_ms) / 1000;
  if (result === null || blame(graded) === 'grader')
    return {
      score: 0,
      execution_time: seconds,
      output:
        `No grade: ${problem?.text ?? 'the check itself broke'}. ${blame(graded) === 'grader' ? 'This is not your mistake; your instructor will look.' : ''}`.trim(),
      extra_data: { blame: blame(graded), points_max: pointsMax },
      tests: [],
    };
  const tests = result.items
    .filter(({ status }) => status !== 'left out')
    .map((item) => ({
      name: item.says,
      number: item.name,
      score: item.points,
      max_score: item.points_max,
      status: item.status === 'passed' ? 'passed' : 'failed',
      output: item.failure === null ? '' : failureText(item),
    }));
  return {
    score: result.points,
    execution_time: seconds,
    output: `${result.title}: ${result.verdict}`,
    extra_data: { blame: blame(graded), points_max: pointsMax },
    tests,
  };
}

function failureText({ failure }: ItemResult): string {
  if (failure === null) return '';
  return `expected\n${failure.expected}\n\ncame\n${failure.came}\n\nread ${failure.page}`;
}

/** A cell that no spreadsheet takes for a formula. */
function csvCell(raw: string): string {
  const text = /^[=+\-@\t\r]/.test(raw) ? `'${raw}` : raw;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Control characters have no place in XML 1.0. */
function xml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[^\P{C}\n\t]/gu, '?');
}
