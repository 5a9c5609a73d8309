/**
 * How deep a YAML text is nested, found without reading it as YAML.
 *
 * Lives here: a bound that is looked at before a parser sees the text. Does not live here: what the text means.
 *
 * A parser of YAML calls itself for every level. Half a million brackets exhaust its stack, and a process whose stack is
 * exhausted at the wrong moment does not get an exception to catch: it is ended. So depth is bounded beforehand. The count
 * here is a rough one (it takes brackets in quoted names for brackets), which at this depth makes no difference.
 */

/** Levels of brackets, of indentation, and of marks in one line (`- - -`), each. */
export const NESTING_MAX = 64;

const MARKS = new RegExp(`(?:[-?:][ \\t]+){${NESTING_MAX}}`);
const SPACE = 32;
const OPENING = new Set(['[', '{']);
const CLOSING = new Set([']', '}']);

/** Where the text gets too deep; line and column count from 1. Null when it does not. */
export function tooDeepAt(text: string): { readonly line: number; readonly column: number } | null {
  let brackets = 0;
  let line = 0;
  /** Indentations that are open, each deeper than the one before. */
  const indents: number[] = [];
  for (let from = 0; from <= text.length; line += 1) {
    const next = text.indexOf('\n', from);
    const end = next === -1 ? text.length : next;
    let at = from;
    while (at < end && text.charCodeAt(at) === SPACE) at += 1;
    if (at < end) {
      const indent = at - from;
      while (indents.length > 0 && (indents.at(-1) as number) >= indent) indents.pop();
      if (indents.push(indent) > NESTING_MAX) return { line: line + 1, column: indent + 1 };
    }
    for (; at < end; at += 1) {
      const character = text[at] as string;
      if (OPENING.has(character)) brackets += 1;
      else if (CLOSING.has(character)) brackets = Math.max(0, brackets - 1);
      if (brackets > NESTING_MAX) return { line: line + 1, column: at - from + 1 };
    }
    const marks = MARKS.exec(text.slice(from, end));
    if (marks !== null) return { line: line + 1, column: marks.index + 1 };
    from = end + 1;
  }
  return null;
}
