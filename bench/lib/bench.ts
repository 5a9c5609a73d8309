// What one bench is: a function that gives rows. The command that runs them is ../main.ts; nothing is measured here.
import type { Row } from './report.ts';

/** Rounds are `rounds` times as many, or as few as show that the bench still works. */
export interface BenchOptions {
  readonly quick: boolean;
}

export type Bench = (options: BenchOptions) => Promise<Row[]>;
