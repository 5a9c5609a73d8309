/**
 * A trace as text, as JSON and as a mermaid sequence diagram.
 *
 * Lives here: the three writings. Does not live here: choosing and merging (trace.ts).
 */
import { timeOfDay, visible } from './event-text.ts';
import type { Style } from './tables.ts';
import { linesOf, typeOf } from '../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../ssmmp/core/trace.ts';

export type TraceFormat = 'text' | 'mermaid' | 'json';
export const TRACE_FORMATS: readonly TraceFormat[] = ['text', 'mermaid', 'json'];

/** Lines that every message has and the columns already tell. */
const TOLD = new Set(['type', 'message_id', 'sub_type']);

/** The trace in one format, ended by a newline. */
export function renderTrace(entries: readonly TraceEntry[], format: TraceFormat, style: Style): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(entries, null, 2)}\n`;
    case 'mermaid':
      return traceMermaid(entries);
    case 'text':
      return entries.map((entry) => `${traceText(entry, style)}\n`).join('');
  }
}

/** `12:00:00.123  instance-agent  post/5 → 127.0.0.11  post/5/1003  session_request  dest_service_name=posts-db …`. */
export function traceText(entry: TraceEntry, style: Style): string {
  const path = `${entry.from} → ${entry.to}`;
  const details = [...linesOf(entry.message)]
    .filter(([name]) => !TOLD.has(name))
    .map(([name, contents]) => `${name}=${contents}`);
  const columns = [
    style.faint(timeOfDay(entry.time)),
    entry.hop.padEnd(14),
    path.padEnd(34),
    entry.exchange.padEnd(22),
    style.heading(typeOf(entry.message)),
    style.faint(details.join(' ')),
  ];
  return visibleLine(columns.join('  ')).trimEnd();
}

/** Mermaid reads some signs of its own, so participants are numbered and texts cleaned of `;`, `#` and controls. */
function traceMermaid(entries: readonly TraceEntry[]): string {
  const aliasOf = new Map<string, string>();
  for (const name of participants(entries)) aliasOf.set(name, `p${aliasOf.size}`);
  const lines = ['sequenceDiagram'];
  for (const [name, alias] of aliasOf) lines.push(`  participant ${alias} as ${cleaned(name)}`);
  for (const entry of entries) {
    const isAnswer = typeOf(entry.message).endsWith('_response');
    const status = linesOf(entry.message).get('status');
    const id = entry.exchange.slice(entry.exchange.lastIndexOf('/') + 1);
    const label = `${typeOf(entry.message)} ${id}${status === undefined ? '' : ` status ${status}`}`;
    lines.push(`  ${aliasOf.get(entry.from)}${isAnswer ? '-->>' : '->>'}${aliasOf.get(entry.to)}: ${cleaned(label)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Instances left, then agents, the Manager right; each group as it appears. So arrows mostly go one column. */
function participants(entries: readonly TraceEntry[]): string[] {
  const rankOf = new Map<string, number>();
  const meet = (name: string, rank: number): void => void (rankOf.has(name) || rankOf.set(name, rank));
  for (const { from, to } of entries) {
    for (const name of [from, to]) meet(name, name === 'Manager' ? 2 : name.includes('/') ? 0 : 1);
  }
  return [...rankOf].sort(([, a], [, b]) => a - b).map(([name]) => name);
}

function cleaned(text: string): string {
  return visible(text).replace(/[;#<>]/g, ' ');
}

/** Keeps the colours that a style put in and shows every other control character. */
function visibleLine(text: string): string {
  return text
    .split(/(\u001b\[[0-9;]*m)/)
    .map((part, position) => (position % 2 === 1 ? part : visible(part)))
    .join('');
}
