/**
 * What is printed: the counts of many seeds, and a failing one made small.
 *
 * Lives here: words and numbers. Does not live here: running.
 */
import { ROWS, UNREACHED } from '../sim/coverage.ts';
import { Diagram } from '../sim/diagram.ts';
import { FAULTS } from '../sim/faults/table.ts';
import { run, type RunResult } from '../sim/run.ts';
import { shrink, type Shrunk } from '../sim/shrink.ts';
import type { Totals } from './many.ts';
import type { SimOptions } from './options.ts';

/** How often each fault came, and the rows that were not reached. */
export function countsOf({ seeds, events, acknowledged, faults, rows }: Totals): string {
  const wide = Math.max(...FAULTS.map(({ name }) => name.length));
  const lines = [`${seeds} seeds, ${events} events, ${acknowledged} operations acknowledged`, '', 'faults:'];
  for (const { name } of FAULTS) lines.push(`  ${name.padEnd(wide)}  ${faults.get(name) ?? 0}`);
  const wanted = ROWS.filter((row) => UNREACHED[row] === undefined);
  const missed = wanted.filter((row) => !rows.has(row));
  lines.push('', `rows of the transition tables: ${wanted.length - missed.length} of ${wanted.length} reached`);
  for (const row of missed) lines.push(`  not reached: ${row}`);
  const least = wanted.filter((row) => rows.has(row)).sort((a, b) => (rows.get(a) ?? 0) - (rows.get(b) ?? 0));
  for (const row of least.slice(0, 5)) lines.push(`  seldom: ${row} (${rows.get(row) ?? 0})`);
  lines.push(`  left out, each for a reason (sim/coverage.ts): ${Object.keys(UNREACHED).length}`);
  return lines.join('\n');
}

/**
 * Everything about a failing seed: the law, the smallest run that breaks it, and how to see it again. `command` is what a person
 * types to run the simulator.
 */
export function failureOf(seed: number, options: SimOptions, command = 'npm run sim --'): string {
  const found = run({ seed, steps: options.steps, ...(options.only === null ? {} : { only: options.only }) });
  if (found.broken === null) return `seed ${seed} does not fail in this process: that is a bug of the simulator`;
  const small: Shrunk = options.isShrunk
    ? shrink(found, options.steps)
    : { seed, steps: options.steps, only: found.happened, result: found, tries: 0 };
  const diagram = new Diagram();
  const again = run({ seed, steps: small.steps, only: small.only, watch: diagram });
  return [
    `seed ${seed} breaks a law`,
    `  law:   ${found.broken.law}`,
    `  what:  ${brokenText(found)}`,
    `  small: ${small.only.length} of ${found.happened.length} faults are enough, found in ${small.tries} runs: ${brokenText(again)}`,
    '',
    diagram.print(options.format, options.lines),
    '',
    'again:',
    `  ${command} --seed ${seed} --steps ${options.steps}`,
    `  ${command} --seed ${seed} --steps ${small.steps} --faults ${small.only.join(',') || 'none'}`,
  ].join('\n');
}

/**
 * All failing seeds again, a line each, for the very end: where only the last lines of the output are kept, these are what is
 * needed to run them again. Empty when none failed.
 */
export function failedLines({ failed }: Pick<Totals, 'failed'>, steps: number): string[] {
  return failed.map(({ seed, law, what }) => {
    const [first = ''] = (what ?? '').split('\n');
    return `failed: seed ${seed}: ${law ?? '-'}: ${first} · npm run sim -- --seed ${seed} --steps ${steps}`;
  });
}

function brokenText({ broken }: RunResult): string {
  return broken === null ? 'nothing' : `${broken.what} (event ${broken.event})`;
}
