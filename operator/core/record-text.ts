/**
 * A record of the Manager's journal as lines for people: what came in, and what followed.
 *
 * Lives here: the lines. Does not live here: reading a journal.
 */
import { timeOfDay, visible } from './event-text.ts';
import type { Style } from './tables.ts';

/** What is shown of a record; inputs and effects of later versions show their kind at least. */
export interface JournalRecordData {
  readonly n: number;
  readonly in: Readonly<Record<string, unknown>> & { readonly kind: string; readonly at: number };
  readonly out: readonly (Readonly<Record<string, unknown>> & { readonly kind: string })[];
}

/** `record 120  12:00:00.123`, then `<` the input, `>` lines sent, `#` events, `=` replies. */
export function recordText(record: JournalRecordData, style: Style): string {
  const { n, in: input, out } = record;
  const title = `${style.heading(`record ${n}`)}  ${style.faint(timeOfDay(new Date(input.at).toISOString()))}`;
  return `${[title, `< ${inputText(input)}`, ...out.map(effectText)].join('\n')}\n`;
}

function inputText({ kind, at: _at, ...rest }: JournalRecordData['in']): string {
  if (kind === 'line_received') return visible(`${String(rest['connection'])} ${String(rest['line'])}`);
  if (kind === 'manager_started') return `manager_started, epoch ${String(rest['epoch'])}`;
  return visible(Object.keys(rest).length === 0 ? kind : `${kind} ${JSON.stringify(rest)}`);
}

function effectText({ kind, ...rest }: JournalRecordData['out'][number]): string {
  if (kind === 'send') return visible(`> ${String(rest['connection'])} ${String(rest['line'])}`);
  if (kind === 'event') return visible(`# ${String((rest['event'] as { text?: unknown } | undefined)?.text)}`);
  if (kind === 'reply') return visible(`= ${String(rest['status'])} ${JSON.stringify(rest['body'])}`);
  return visible(`${kind} ${JSON.stringify(rest)}`);
}
