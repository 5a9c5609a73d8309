/**
 * What a command would do, and the difference of two graphs, for people.
 *
 * Lives here: reading both from the Manager's answer, and their text. Does not live here: asking for them.
 */
import { changeText } from '../../ssmmp/core/graph-difference.ts';
import type { GraphChange } from '../../ssmmp/core/graph-difference.ts';
import { counted } from '../../ssmmp/core/graph-live.ts';
import { visible } from './event-text.ts';
import { columnsText } from './tables.ts';
import type { Style } from './tables.ts';

/** One step as the Manager tells it. */
export interface Step {
  readonly action: string;
  readonly instance?: string;
  readonly service_name?: string;
  readonly edge?: string;
  readonly sessions?: number;
  readonly agent_network_address?: string | null;
  readonly to?: string | null;
  readonly why: string;
}

/** What the Manager answers to `plan` and `apply`. */
export interface PlanAnswer {
  readonly changes: readonly GraphChange[];
  readonly refused: readonly string[];
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

/** The steps of an answer; none where it has none. */
export function stepsOf(answer: Readonly<Record<string, unknown>>): readonly Step[] {
  return Array.isArray(answer['steps']) ? (answer['steps'] as Step[]) : [];
}

export function planOf(answer: Readonly<Record<string, unknown>>): PlanAnswer {
  const list = (name: string): unknown[] => (Array.isArray(answer[name]) ? answer[name] : []);
  return {
    changes: list('changes') as GraphChange[],
    refused: list('refused').map(String),
    steps: stepsOf(answer),
    warnings: list('warnings').map(String),
  };
}

/** Steps as a table, in the order in which they begin; one line where there is none. */
export function stepsText(steps: readonly Step[], style: Style): string {
  if (steps.length === 0) return 'nothing has to be done\n';
  const titles = ['ACTION', 'WHAT', 'AT', 'TO', 'WHY'];
  // The Manager's words hold names of a stranger's file.
  const rows = steps.map((step) => [step.action, whatOf(step), atOf(step), toOf(step), step.why].map(visible));
  const used = titles.map((_, at) => rows.some((row) => row[at] !== ''));
  const columns = (row: readonly string[]): string[] => row.filter((_, at) => used[at]);
  return columnsText([columns(titles.map(style.heading)), ...rows.map(columns)]);
}

/** The difference, one change a line, what comes green and what goes red. */
export function changesText(changes: readonly GraphChange[], style: Style): string {
  return changes.map((change) => `${dress(visible(changeText(change)), style)}\n`).join('');
}

function dress(line: string, style: Style): string {
  return line.startsWith('+') ? style.good(line) : line.startsWith('-') ? style.bad(line) : style.warn(line);
}

function whatOf(step: Step): string {
  const name = step.instance ?? step.service_name ?? step.edge ?? '';
  return step.sessions === undefined ? name : `${name} (${counted(step.sessions, 'session')})`;
}

function atOf(step: Step): string {
  return step.action === 'start' ? '' : (step.agent_network_address ?? '');
}

function toOf(step: Step): string {
  const place = step.action === 'start' ? step.agent_network_address : step.to;
  const needsPlace = step.action === 'start' || step.action === 'replace' || step.action === 'migrate';
  return place ?? (needsPlace ? 'no node now' : '');
}
