/**
 * A result as lines for people.
 *
 * Lives here: the lines. Does not live here: colours (a style is handed in), where they are printed.
 *
 * The first failure is told in full: what was expected, what came, the page to read, and the command that repeats it. The
 * others get one line: whoever repairs the first often repairs the rest.
 */
import type { ItemResult, LabResult } from './result.ts';

/** Dresses words by their meaning; the operator's styles fit. */
export interface Dress {
  readonly heading: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

const INDENT = '    ';

/** The whole verdict, ended by a newline. */
export function verdictText(result: LabResult, dress: Dress): string {
  const { items, points, points_max: most, title, lab } = result;
  const width = Math.max(...items.map(({ says }) => says.length));
  const lines = [dress.heading(`Lab ${Number(lab.slice(0, 2))}: ${title}`), ''];
  for (const item of items) lines.push(itemLine(item, width, dress));
  const first = items.find(({ status }) => status === 'broken') ?? items.find(({ status }) => status === 'failed');
  if (first !== undefined) lines.push('', ...failureLines(first, result, dress));
  lines.push('', `${closing(result, dress)}  ${points} of ${most} points, ${seconds(result.took_ms)}`);
  return `${lines.join('\n')}\n`;
}

function itemLine(item: ItemResult, width: number, dress: Dress): string {
  const { status, says, points, points_max: most, took_ms: tookMs, name } = item;
  const mark = {
    passed: dress.good('✔'),
    failed: dress.bad('✘'),
    broken: dress.bad('!'),
    'left out': dress.faint('-'),
  }[status];
  const worth = status === 'left out' ? 'left out' : `${points}/${most}`;
  return `  ${mark} ${says.padEnd(width)}  ${worth.padStart(8)}  ${dress.faint(`${seconds(tookMs).padStart(7)}  ${name}`)}`;
}

function failureLines(item: ItemResult, result: LabResult, dress: Dress): string[] {
  if (item.status === 'broken') {
    const advice = 'The check itself broke; this is not your mistake. Show your instructor the run folder.';
    return [dress.bad(`${item.name}: ${advice}`), ...block(item.error ?? 'no reason was given')];
  }
  const { failure } = item;
  if (failure === null) return [];
  const lines = [dress.heading(`${item.name}: ${item.says}`)];
  lines.push('  expected', ...block(failure.expected), '  came', ...block(failure.came));
  if (failure.remark !== null) lines.push('', ...block(failure.remark).map((line) => line.slice(2)));
  lines.push('', `  read      ${failure.page}`);
  if (result.used_seed) lines.push(`  seed      ${result.seed}`);
  lines.push(`  again     ${result.again} --only ${item.name}`);
  return lines;
}

function block(text: string): string[] {
  return text.split('\n').map((line) => `${INDENT}${line}`);
}

function closing({ verdict }: LabResult, dress: Dress): string {
  if (verdict === 'passed') return dress.good('passed');
  return dress.bad(verdict === 'failed' ? 'not yet' : 'the check is broken');
}

/** `12 ms`, `3.4 s`. */
export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
