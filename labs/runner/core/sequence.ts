/**
 * A sequence diagram of SSMMP messages as SVG text.
 *
 * Lives here: columns, arrows, labels. Does not live here: which messages are drawn.
 *
 * Instances stand left, agents in the middle, the Manager right, each group in the order of appearance; so most arrows go
 * one column. Requests are full lines, responses dashed. Hovering over an arrow shows the whole message.
 * What somebody did by itself stands in its column.
 */
import { linesOf, typeOf } from '../../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';

/** What somebody did by itself; `over` null: what happened to everybody, such as a fault. */
export interface SequenceNote {
  /** As a message has it. */
  readonly time: string;
  readonly over: string | null;
  readonly text: string;
}

/** More messages make no picture that anybody reads. */
export const MESSAGES_DRAWN_MAX = 150;

const COLUMN = 190;
const ROW = 30;
const HEAD = 46;
const MARGIN = 100;
const TIME = 86;
/** About the width of a letter of a label. */
const LETTER = 6;
const INK = '#1c2128';
const FAINT = '#8c959f';
const COLOUR = { request: '#1f6feb', answer: '#2a7f3f', bad: '#b62324', info: '#946200' } as const;

/** The messages without those of health, which come all the time. */
export function withoutHealth(entries: readonly TraceEntry[]): TraceEntry[] {
  return entries.filter(({ message }) => !typeOf(message).includes('_health_'));
}

/** The diagram; '' where there is nothing to draw. Draws the first MESSAGES_DRAWN_MAX. */
export function sequenceSvg(all: readonly (TraceEntry | SequenceNote)[]): string {
  const entries = all.slice(0, MESSAGES_DRAWN_MAX);
  if (entries.length === 0) return '';
  const columns = participants(entries);
  const x = (name: string): number => TIME + MARGIN + columns.indexOf(name) * COLUMN;
  const width = TIME + 2 * MARGIN + (columns.length - 1) * COLUMN;
  const height = HEAD + entries.length * ROW + 20;
  const heads = columns.map(
    (name) =>
      `<rect x="${x(name) - 78}" y="6" width="156" height="24" rx="4" fill="#eef3fb" stroke="#9db4d8"/>` +
      `<text x="${x(name)}" y="22" text-anchor="middle" font-weight="600">${escaped(name)}</text>` +
      `<line x1="${x(name)}" x2="${x(name)}" y1="30" y2="${height - 8}" stroke="#d0d7de" stroke-dasharray="3 3"/>`,
  );
  const rows = entries.map((entry, row) => {
    const y = HEAD + row * ROW + 18;
    return 'message' in entry ? arrow(entry, y, x) : note(entry, y, x, width);
  });
  const marks = Object.entries(COLOUR).map(
    ([name, colour]) =>
      `<marker id="tip-${name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="${colour}"/></marker>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="${INK}" role="img" aria-label="sequence of messages">` +
    `<rect width="${width}" height="${height}" fill="#fff"/><defs>${marks.join('')}</defs>${heads.join('')}${rows.join('')}</svg>`
  );
}

function arrow(entry: TraceEntry, y: number, x: (name: string) => number): string {
  const [from, to] = [x(entry.from), x(entry.to)];
  const lines = linesOf(entry.message);
  const kind = kindOf(entry.message);
  const status = lines.get('status');
  const id = entry.exchange.slice(entry.exchange.lastIndexOf('/') + 1);
  const label = `${typeOf(entry.message)} ${id}${status === undefined ? '' : ` · ${status}`}`;
  const dash = typeOf(entry.message).endsWith('_response') ? ' stroke-dasharray="6 4"' : '';
  return (
    `<g><title>${escaped(entry.message)}</title>` +
    timeAt(entry.time, y) +
    `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${COLOUR[kind]}" stroke-width="1.4"${dash} marker-end="url(#tip-${kind})"/>` +
    `<text x="${(from + to) / 2}" y="${y - 4}" text-anchor="middle" font-size="11">${escaped(label)}</text></g>`
  );
}

/** In the column of whoever did it; at its right end where the text would leave the picture. */
function note({ time, over, text }: SequenceNote, y: number, x: (name: string) => number, width: number): string {
  const [at, colour] = over === null ? [width / 2, COLOUR.bad] : [x(over), COLOUR.info];
  const half = (text.length * LETTER) / 2;
  const right = width - 8;
  const [end, anchor] = at + half > right ? [right, 'end'] : [at, 'middle'];
  const ground = 'stroke="#fff" stroke-width="4" paint-order="stroke"';
  return `<g>${timeAt(time, y)}<text x="${end}" y="${y + 4}" text-anchor="${anchor}" font-size="11" fill="${colour}" ${ground}>${escaped(text)}</text></g>`;
}

function timeAt(time: string, y: number): string {
  return `<text x="8" y="${y + 4}" fill="${FAINT}" font-size="11">${escaped(/T([\d:.]+)/.exec(time)?.[1] ?? '')}</text>`;
}

function kindOf(message: string): keyof typeof COLOUR {
  const type = typeOf(message);
  const status = Number(linesOf(message).get('status') ?? 0);
  if (status >= 300) return 'bad';
  if (type.endsWith('_info')) return 'info';
  return type.endsWith('_response') ? 'answer' : 'request';
}

function participants(entries: readonly (TraceEntry | SequenceNote)[]): string[] {
  const rankOf = new Map<string, number>();
  for (const entry of entries)
    for (const name of 'message' in entry ? [entry.from, entry.to] : [entry.over])
      if (name !== null && !rankOf.has(name)) rankOf.set(name, name === 'Manager' ? 2 : name.includes('/') ? 0 : 1);
  return [...rankOf].sort(([, a], [, b]) => a - b).map(([name]) => name);
}

function escaped(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (sign) => `&#${sign.codePointAt(0) === 0 ? 65533 : sign.codePointAt(0)};`);
}
