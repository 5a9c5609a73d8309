/**
 * What a demo comes to: promises, and what was measured.
 *
 * Lives here: the shape, the table, the verdict. Does not live here: any demo (demos/), running one.
 */
import { columnsText } from './tables.ts';
import type { Style } from './tables.ts';

const MEASURED_LETTERS_MAX = 60;

/** One promise and what came of it. */
export interface Measure {
  readonly promise: string;
  readonly measured: string;
  readonly kept: boolean;
  /** Of a promise about time, in milliseconds; null for others, and for what never came. */
  readonly limit_ms: number | null;
  readonly measured_ms: number | null;
}

export interface DemoReport {
  readonly demo: string;
  readonly title: string;
  readonly measures: readonly Measure[];
  /** All promises were kept. */
  readonly kept: boolean;
  readonly seconds: number;
}

/** A time against its limit. */
export function withinMs(promise: string, limitMs: number, measuredMs: number | null): Measure {
  const measured = measuredMs === null ? 'never' : `${Math.round(measuredMs)} ms`;
  return {
    promise: `${promise} within ${msText(limitMs)}`,
    measured,
    kept: measuredMs !== null && measuredMs <= limitMs,
    limit_ms: limitMs,
    measured_ms: measuredMs,
  };
}

/** Something that must be so. */
export function fact(promise: string, measured: string, kept: boolean): Measure {
  return { promise, measured, kept, limit_ms: null, measured_ms: null };
}

export function reportText({ demo, measures, kept, seconds }: DemoReport, style: Style): string {
  const head = ['PROMISE', 'MEASURED', ''].map((title) => style.heading(title));
  const rows = measures.map((one) => [
    one.promise,
    shortened(one.measured),
    one.kept ? style.good('kept') : style.bad('BROKEN'),
  ]);
  const verdict = kept ? style.good('every promise was kept') : style.bad('a promise was broken');
  return `${columnsText([head, ...rows])}\n${demo}: ${verdict} (${seconds.toFixed(1)} s)\n`;
}

/** The first part of a long sentence; JSON has all of it. */
function shortened(text: string): string {
  return text.length <= MEASURED_LETTERS_MAX ? text : `${text.slice(0, MEASURED_LETTERS_MAX - 1)}…`;
}

function msText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
