/**
 * Lines of the collected logs, for people.
 *
 * Lives here: reading pino's JSON, choosing, one line of text each. Does not live here: files.
 *
 * What a program writes that is no JSON (a stack, a word of another language's runtime) is shown as it is, under
 * the name that its file has.
 */
import { timeOfDay, visible } from './event-text.ts';
import type { Style } from './tables.ts';

export interface LogLine {
  /** `manager`, `agent 2`, `post/5`. */
  readonly source: string;
  /** The node's folder name, or null for the Manager. */
  readonly node: string | null;
  /** ISO 8601, or empty where the line does not say. */
  readonly time: string;
  readonly level: string;
  readonly message: string;
  /** What else the line holds. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The line as it stands in the file. */
  readonly raw: string;
}

/** pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const TOLD = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'node', 'service', 'instance', 'name', 'v']);

/** Reads a line of a log file. `isoOf` writes milliseconds as ISO 8601 (a core has no Date). */
export function readLogLine(raw: string, source: string, node: string | null, isoOf: (ms: number) => string): LogLine {
  const value = jsonObject(raw);
  if (value === null) return { source, node, time: '', level: '', message: raw, details: {}, raw };
  const time = typeof value['time'] === 'number' ? isoOf(value['time']) : textOf(value['time']);
  const level =
    typeof value['level'] === 'number' ? (LEVELS[value['level']] ?? String(value['level'])) : textOf(value['level']);
  const details = Object.fromEntries(Object.entries(value).filter(([key]) => !TOLD.has(key)));
  return { source, node, time, level, message: textOf(value['msg']), details, raw };
}

/** `12:00:00.123  post/5 @2  info  listening  port=54003`. */
export function logText(line: LogLine, style: Style): string {
  const source = `${line.source}${line.node === null || line.source.startsWith('agent') ? '' : ` @${line.node}`}`;
  const details = Object.entries(line.details).map(
    ([key, value]) => `${key}=${visible(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
  const columns = [
    style.faint(timeOfDay(line.time).padEnd(12)),
    style.heading(source.padEnd(18)),
    levelText(line.level, style),
    visible(line.message),
    style.faint(details.join(' ')),
  ];
  return columns.join('  ').trimEnd();
}

/** Does a person's word name this line: `manager`, `agent`, `post`, `post/5`, `5`, or a node as `node/2`? */
export function isNamedBy(line: LogLine, word: string): boolean {
  if (/^node\//.test(word)) return line.node === word.slice('node/'.length);
  const [service, id] = line.source.split('/');
  return line.source === word || service === word || id === word || line.source.split(' ')[0] === word;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function levelText(level: string, style: Style): string {
  const padded = level.padEnd(5);
  if (level === 'error' || level === 'fatal') return style.bad(padded);
  return level === 'warn' ? style.warn(padded) : padded;
}

function jsonObject(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null; // cut off by a kill, or no JSON after all
  }
}
