/**
 * Tab completion of the shell: which words may follow, from the verbs and from lists that the shell hands in. Pure.
 */
import { FILE_TRANSFER, FILE_TRANSFER_VERBS, SHELL_WORDS, VERBS, verbOf } from './verbs.ts';
import type { Takes, Verb } from './verbs.ts';

/** What the word under the cursor is. `start` is where it begins in the line, `fragment` what is typed of it. */
export interface CompletionPoint {
  readonly kind: 'verb' | 'option' | Takes | 'transfer' | 'format' | 'nothing';
  readonly fragment: string;
  readonly start: number;
  readonly verb: Verb | null;
}

/** Looks at a line up to the cursor. A word may be quoted with ' or ". */
export function completionPoint(line: string): CompletionPoint {
  const { words, fragment, start } = wordsBefore(line);
  const point = (kind: CompletionPoint['kind'], verb: Verb | null = null): CompletionPoint => ({
    kind,
    fragment,
    start,
    verb,
  });
  const first = words[0];
  if (first === undefined) return point('verb');
  if (first === 'help') return point(words.length === 1 ? 'verb' : 'nothing');
  const isTransfer = first === FILE_TRANSFER;
  if (isTransfer && words.length === 1) return point('transfer');
  const verb = isTransfer ? verbOf(FILE_TRANSFER_VERBS[words[1] ?? ''] ?? '') : verbOf(first);
  if (verb === null) return point('nothing');
  const before = words[words.length - 1] as string;
  if (before === '-o' || before === '--output') return point('format', verb);
  if (before === '--out') return point('localFile', verb);
  if (before === '--name') return point('name', verb);
  if (fragment.startsWith('-')) return point('option', verb);
  const given = words.slice(isTransfer ? 2 : 1).filter((word, at, all) => isArgument(word, all[at - 1]));
  return verb.argument !== null && given.length === 0 ? point(verb.argument.takes, verb) : point('nothing', verb);
}

/** The words that fit, quoted where needed. `names` are the files that the point asks for (local or on the server). */
export function completions(point: CompletionPoint, names: readonly string[]): string[] {
  switch (point.kind) {
    case 'verb': {
      // Aliases are offered where nothing else fits, so that they do not stand in the way of `who<Tab>`.
      const names = fitting(point, [...VERBS.map((verb) => verb.name), ...SHELL_WORDS]);
      return names.length > 0 ? names : fitting(point, [...VERBS.flatMap((verb) => verb.aliases), FILE_TRANSFER]);
    }
    case 'transfer':
      return fitting(point, Object.keys(FILE_TRANSFER_VERBS));
    case 'format':
      return fitting(point, ['table', 'json', 'name']);
    case 'option': {
      const own = (point.verb?.options ?? []).map((option) => option.flags.split(' ')[0] as string);
      return fitting(point, [...own, '-o', '--help']);
    }
    case 'localFile':
    case 'serverFile':
      return fitting(point, names).map(quoted);
    case 'user':
    case 'text':
    case 'path':
    case 'name':
    case 'nothing':
      return [];
  }
}

/** A word as the shell reads it back. A path ending in / stays open for its next part. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

function fitting(point: CompletionPoint, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(point.fragment));
}

function isArgument(word: string, before: string | undefined): boolean {
  const takesValue = before === '-o' || before === '--output' || before === '--out' || before === '--name';
  return !takesValue && (!word.startsWith('-') || word === '-');
}

/** The whole words of a line and the unfinished one at its end, quotes taken away. */
function wordsBefore(line: string): { words: string[]; fragment: string; start: number } {
  const words: string[] = [];
  let fragment = '';
  let start = line.length;
  let quote = '';
  let isInWord = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (quote === '' && /\s/.test(character)) {
      if (isInWord) words.push(fragment);
      fragment = '';
      isInWord = false;
      continue;
    }
    if (!isInWord) start = at;
    isInWord = true;
    if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = '';
    else fragment += character;
  }
  return { words, fragment, start: isInWord ? start : line.length };
}
