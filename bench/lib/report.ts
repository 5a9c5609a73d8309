// What a bench found: rows for the table, and the same as JSON in bench/results/.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { ROOT } from './children.ts';
import type { Compared } from './rounds.ts';
import type { Spread } from './stats.ts';

/** A baseline that reaches less than this share of its reference makes every ratio against it look too good. */
const BASELINE_SHARE_MIN = 0.8;

export interface Row {
  /** The bench and the figure, such as `data path: 64 clients, requests/s`. */
  readonly figure: string;
  readonly unit: string;
  readonly measured: Spread;
  readonly baseline?: Spread;
  readonly ratio?: Spread;
  /** What the ratio, or without one the measured value, should be. */
  readonly limit?: { readonly atMost: number } | { readonly atLeast: number };
  /** The baseline on the machine of the issue, and whether more is better. */
  readonly reference?: { readonly value: number; readonly moreIsBetter: boolean };
  readonly note?: string;
}

export function compared(figure: string, unit: string, result: Compared | undefined, more: Partial<Row> = {}): Row {
  if (result === undefined) throw new Error(`no such figure was measured: ${figure}`);
  return { figure, unit, measured: result.measured, baseline: result.baseline, ratio: result.ratio, ...more };
}

/** Does the row meet its limit? null without a limit. */
export function isMet(row: Row): boolean | null {
  if (row.limit === undefined) return null;
  const value = (row.ratio ?? row.measured).median;
  return 'atMost' in row.limit ? value <= row.limit.atMost : value >= row.limit.atLeast;
}

/** Is the baseline slower than 0.8 of the reference? Then the ratio says less than it seems to. */
export function weakness(row: Row): string | null {
  if (row.reference === undefined || row.baseline === undefined) return null;
  const { value, moreIsBetter } = row.reference;
  const share = moreIsBetter ? row.baseline.median / value : value / row.baseline.median;
  return share < BASELINE_SHARE_MIN
    ? `baseline at ${share.toFixed(2)} of its reference (${show(value)} ${row.unit})`
    : null;
}

export function printTable(rows: readonly Row[]): void {
  const table = new Table({
    head: ['figure', 'unit', 'measured', 'baseline', 'ratio (middle half)', 'limit', ''],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const met = isMet(row);
    table.push([
      row.figure,
      row.unit,
      show(row.measured.median),
      row.baseline ? show(row.baseline.median) : '',
      row.ratio ? `${row.ratio.median.toFixed(3)} (${row.ratio.low.toFixed(3)} to ${row.ratio.high.toFixed(3)})` : '',
      row.limit ? ('atMost' in row.limit ? `≤ ${row.limit.atMost}` : `≥ ${row.limit.atLeast}`) : '',
      met === null ? '' : met ? 'met' : 'MISSED',
    ]);
  }
  console.log(table.toString());
  for (const row of rows) {
    for (const remark of [weakness(row), row.note ?? null]) if (remark) console.log(`  ${row.figure}: ${remark}`);
  }
}

/** Writes bench/results/latest.json and one named after the time; returns the latter's path. */
export function writeResults(rows: readonly Row[]): string {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const time = new Date().toISOString();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const text = `${JSON.stringify({ time, commit, machine, rows: rows.map((row) => ({ ...row, met: isMet(row), weakness: weakness(row) })) }, null, 2)}\n`;
  const path = join(folder, `${time.slice(0, 19).replaceAll(':', '')}.json`);
  writeFileSync(path, text);
  writeFileSync(join(folder, 'latest.json'), text);
  return path;
}

function show(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}
