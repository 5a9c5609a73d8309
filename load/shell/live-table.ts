/**
 * What a person sees while the load runs: a table that is drawn over itself on a terminal, a line a second elsewhere.
 *
 * Lives here: cursor movements, columns. Does not live here: the numbers.
 */
import Table from 'cli-table3';
import { cellsOf, secondText, TABLE_HEAD, type InstancesSample } from '../core/report.ts';
import type { Row, Second } from '../core/stats.ts';

/** Anything with lines: process.stderr. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export class LiveTable {
  private readonly screen: Screen;
  private readonly isTerminal: boolean;
  private drawn = 0;

  constructor(screen: Screen, env: Readonly<Record<string, string | undefined>>) {
    this.screen = screen;
    this.isTerminal = screen.isTTY === true && env['TERM'] !== 'dumb';
  }

  show(second: Second, instances: InstancesSample | null, rows: () => readonly Row[]): void {
    const line = secondText(second, instances);
    if (!this.isTerminal) return void this.screen.write(`${line}\n`);
    const lines = [...tableText(rows()).split('\n'), line];
    // Up to where it began, and down with everything below it.
    const back = this.drawn === 0 ? '' : `\u001b[${this.drawn}A\u001b[J`;
    this.screen.write(`${back}${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }
}

/** The table as text, without the last line's end. */
export function tableText(rows: readonly Row[]): string {
  const table = new Table({
    head: [...TABLE_HEAD],
    colAligns: TABLE_HEAD.map((_, at) => (at === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(cellsOf(row));
  return table.toString();
}
