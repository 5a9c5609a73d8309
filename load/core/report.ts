/**
 * What a run comes to: the object that is written as JSON, and its lines for people.
 *
 * Lives here: shapes and texts. Does not live here: the page with plots (page.ts), files, terminals.
 */
import { violationText, type Violation } from './history.ts';
import type { Row, Second } from './stats.ts';
import type { Mix } from './work.ts';

/** Running instances by service at a moment of the run. */
export interface InstancesSample {
  readonly atMs: number;
  readonly instances: Readonly<Record<string, number>>;
}

export interface LoadReport {
  readonly started: string;
  readonly users: number;
  readonly seconds: number;
  /** Requests a second that were asked for; null for a closed loop. */
  readonly rate: number | null;
  readonly mix: Mix;
  readonly think_ms: number;
  readonly seed: number;
  readonly rows: readonly Row[];
  readonly errors: Readonly<Record<string, number>>;
  /** Requests sent again, as cnapp.md allows. */
  readonly repeats: number;
  /** Operations in the history, by kind and outcome: `post ok`. */
  readonly operations: Readonly<Record<string, number>>;
  readonly violation: Violation | null;
  readonly timeline: readonly Second[];
  readonly instances: readonly InstancesSample[];
}

export const TABLE_HEAD = ['request', 'requests', '/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'errors'] as const;

/** The cells of a row, in the order of TABLE_HEAD. */
export function cellsOf(row: Row): string[] {
  const { name, requests, perSecond, p50Ms, p95Ms, p99Ms, maxMs, errors } = row;
  return [name, String(requests), fixed(perSecond), ...[p50Ms, p95Ms, p99Ms, maxMs].map(fixed), String(errors)];
}

/** One second of the run in a line, for a log and for a terminal alike. */
export function secondText(second: Second, instances: InstancesSample | null): string {
  const { requests, p50Ms, p95Ms, p99Ms, maxMs, errors, repeats } = second;
  const parts = [
    `${String(second.second + 1).padStart(4)} s`,
    `${String(requests).padStart(6)}/s`,
    `p50 ${fixed(p50Ms).padStart(6)}  p95 ${fixed(p95Ms).padStart(6)}  p99 ${fixed(p99Ms).padStart(6)}  max ${fixed(maxMs).padStart(7)} ms`,
    `errors ${errorsText(errors)}`,
  ];
  if (repeats > 0) parts.push(`sent again ${repeats}`);
  const several = instances === null ? '' : instancesText(instances);
  if (several !== '') parts.push(several);
  return parts.join('  ');
}

/** `none`, or `429: 2, no answer: 1`. */
export function errorsText(errors: Readonly<Record<string, number>>): string {
  const texts = Object.entries(errors).map(([status, count]) => `${status}: ${count}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

/** What stands below the table at the end. */
export function verdictText(report: LoadReport): string {
  const { violation, operations, repeats, errors } = report;
  const counts = Object.entries(operations).map(([name, count]) => `${count} ${name}`);
  const lines = [`errors: ${errorsText(errors)}; sent again: ${repeats}`, `history: ${counts.join(', ') || 'empty'}`];
  lines.push(violation === null ? 'history checked: no violation' : `VIOLATION ${violationText(violation)}`);
  return lines.join('\n');
}

function instancesText({ instances }: InstancesSample): string {
  const several = Object.entries(instances).filter(([, count]) => count !== 1);
  return several.length === 0 ? '' : several.map(([service, count]) => `${service} ×${count}`).join(' ');
}

/** Three significant digits, never an exponent. */
function fixed(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
