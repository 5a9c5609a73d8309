/**
 * SSMMP as a check sees it: lines with their names in order, and the words of a difference.
 *
 * Lives here: reading a line without forgiving anything, writing one as the specification's table says. Does not live here:
 * sockets (manager.ts, puppets.ts).
 *
 * Theory. A receiver reads by name and forgives; a check must not, since published peers read by position. So this reader keeps
 * the order of the lines and their exact contents, and it is not the codec that the Manager uses: two readers can disagree,
 * one reader cannot.
 */

/** One message, as it came. */
export interface Heard {
  /** Milliseconds since the bench was set up. */
  readonly atMs: number;
  /** The line without its LF. */
  readonly text: string;
  /** Every line of the message in order. */
  readonly lines: readonly (readonly [name: string, contents: string])[];
  readonly type: string;
  readonly id: string;
}

const SEPARATOR = ' ~ ';

/** Takes a line apart. What has no ': ' becomes a name with empty contents, which no expectation matches. */
export function hear(text: string, atMs: number): Heard {
  const lines = text.split(SEPARATOR).map((part): readonly [string, string] => {
    const colon = part.indexOf(': ');
    return colon === -1 ? [part.replace(/:$/, ''), ''] : [part.slice(0, colon), part.slice(colon + 2)];
  });
  const contents = new Map(lines);
  return { atMs, text, lines, type: contents.get('type') ?? '', id: contents.get('message_id') ?? '' };
}

/** The contents of a line, '' where there is none. */
export function valueOf(heard: Heard, name: string): string {
  return heard.lines.find(([line]) => line === name)?.[1] ?? '';
}

export type Fields = Readonly<Record<string, string | number>>;

/** Writes a message: type, message_id, sub_type (unless ''), then the fields as they stand. With LF. */
export function say(type: string, id: number | string, subType: string, fields: Fields): string {
  const head: [string, string | number][] = [
    ['type', type],
    ['message_id', id],
  ];
  if (subType !== '') head.push(['sub_type', subType]);
  return `${[...head, ...Object.entries(fields)].map(([name, contents]) => `${name}: ${contents}`).join(SEPARATOR)}\n`;
}

/**
 * Null when the message is exactly that: same lines, same order, same contents; `x_` lines may follow. Else what differs, in a
 * sentence. A contents of null is not compared.
 */
export function differenceOf(heard: Heard, expected: readonly (readonly [string, string | null])[]): string | null {
  const core = heard.lines.filter(([name]) => !name.startsWith('x_'));
  const firstExtra = heard.lines.findIndex(([name]) => name.startsWith('x_'));
  for (const [at, [name, contents]] of expected.entries()) {
    const came = core[at];
    if (came === undefined) return `line ${at + 1} is missing: '${name}: ${contents ?? '…'}'`;
    if (came[0] !== name) return `line ${at + 1} is '${came[0]}', not '${name}': a sender keeps the order of the table`;
    if (contents !== null && came[1] !== contents) return `'${name}' holds '${came[1]}', not '${contents}'`;
  }
  if (core.length > expected.length) return `'${core[expected.length]?.[0]}' is no line of this message`;
  if (firstExtra !== -1 && firstExtra < core.length) return 'an x_ line stands before a line of the specification';
  return null;
}

/** The expected lines of a message written by `say`. */
export function linesOf(text: string): (readonly [string, string])[] {
  return [...hear(text.trimEnd(), 0).lines];
}
