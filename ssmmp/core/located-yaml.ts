/**
 * YAML (and so JSON) whose every value knows its line and column.
 *
 * Lives here: reading the text, the problems of its syntax, where a value stands, how a problem is told, and
 * turning a refusal of a zod schema into such problems. Does not live here: what a graph or a repository
 * must look like.
 *
 * People edit these files by hand, so one run reports every problem, in the order of the file, each with the
 * place, what was found and what was expected.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { NESTING_MAX, tooDeepAt } from './yaml-nesting.ts';

/** Longest graph or repository file in characters. */
export const FILE_CHARACTERS_MAX = 1024 * 1024;
/** Problems reported of one file; what comes after is dropped. */
export const PROBLEMS_MAX = 100;
const SHOWN_CHARACTERS_MAX = 60;

/** One thing that is wrong in a file a person wrote. Line and column count from 1. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly expected: string;
  /** The whole problem as a sentence for people, without the place. */
  readonly sentence: string;
  /** A warning does not keep the file from loading. */
  readonly warning: boolean;
}

/** `cnapp.yaml:12:5 edge names the service 'postz', which …` */
export function formatProblem(problem: FileProblem): string {
  return `${problem.file}:${problem.line}:${problem.column} ${problem.warning ? 'warning: ' : ''}${problem.sentence}`;
}

/** The way from the root of the file to a value: keys and list positions. */
export type YamlPath = readonly (string | number)[];
export type PathEnd = 'key' | 'value';

/** What a problem says; the place comes from the path. `sentence` defaults to `<subject> is <found>; expected <expected>`. */
export interface ProblemText {
  readonly found: string;
  readonly expected: string;
  readonly sentence: string;
  readonly warning?: boolean;
}

/** A file that was read, the problems found in it so far, and where things stand. */
export class LocatedYaml {
  readonly file: string;
  /** The plain value; undefined when the text could not be read. */
  readonly value: unknown;
  readonly #problems: FileProblem[] = [];
  readonly #lines = new LineCounter();
  readonly #document: Document | null = null;

  constructor(text: string, file: string) {
    this.file = file;
    if (text.length > FILE_CHARACTERS_MAX) {
      const found = `${text.length} characters`;
      const expected = `at most ${FILE_CHARACTERS_MAX}`;
      this.#push(1, 1, { found, expected, sentence: `the file has ${found}; expected ${expected}` });
      return;
    }
    const deep = tooDeepAt(text);
    if (deep !== null) {
      const sentence = `here the file is nested more than ${NESTING_MAX} levels deep; a graph or repository needs 6`;
      this.#push(deep.line, deep.column, { found: 'deep nesting', expected: 'a few levels', sentence });
      return;
    }
    // Keys that stand twice are looked for below: yaml compares each key with all others.
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false });
    this.#document = document;
    for (const error of document.errors) this.#pushAt(error.pos[0], syntaxText(error.code, error.message));
    this.#findDoubleKeys(document);
    if (this.#problems.length > 0) return;
    if (document.contents === null) {
      const sentence = 'the file is empty; expected a map with the keys of the example in docs';
      this.#push(1, 1, { found: 'nothing', expected: 'a map', sentence });
      return;
    }
    try {
      this.value = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      // yaml throws for an alias without an anchor and for aliases that grow without bound
      const found = error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
      this.#push(1, 1, {
        found,
        expected: 'anchors before aliases',
        sentence: `the file cannot be unfolded: ${found}`,
      });
    }
  }

  /** Every problem that keeps the file from loading, in the order of the file. */
  get problems(): readonly FileProblem[] {
    return this.#problems.filter((problem) => !problem.warning).sort(inFileOrder);
  }

  get warnings(): readonly FileProblem[] {
    return this.#problems.filter((problem) => problem.warning).sort(inFileOrder);
  }

  get failed(): boolean {
    return this.#problems.some((problem) => !problem.warning);
  }

  /** True once so many problems are known that no more are taken; lets a caller skip dear explanations. */
  get full(): boolean {
    return this.#problems.length >= PROBLEMS_MAX;
  }

  /** Records a problem at the value (or its key) that the path leads to; at its nearest parent when it is missing. */
  report(path: YamlPath, end: PathEnd, text: ProblemText): void {
    if (this.full) return;
    const { line, column } = this.placeOf(path, end);
    this.#push(line, column, text);
  }

  /** Line and column of a value or of its key, from 1. */
  placeOf(path: YamlPath, end: PathEnd = 'value'): { line: number; column: number } {
    let node: Node | null = resolved(this.#document?.contents ?? null, this.#document);
    let offset = offsetOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const pair: Pair | null = isMap(node) ? pairOf(node.items as Pair[], String(step)) : null;
      const isLast = depth === path.length - 1;
      const next: unknown = pair !== null ? pair.value : isSeq(node) ? node.items[Number(step)] : null;
      if (pair !== null) offset = offsetOf(pair.key) ?? offset;
      if (pair === null || !isLast || end === 'value') offset = offsetOf(next) ?? offset;
      node = resolved(next, this.#document);
      if (node === null) break;
    }
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /**
   * Checks `value`, which stands at `path`, against a schema whose messages say what is expected. Returns the
   * typed value, or null after reporting every problem; `subjectOf` names a place for people.
   */
  check<T>(schema: z.ZodType<T>, value: unknown, path: YamlPath, subjectOf: (path: YamlPath) => string): T | null {
    const result = schema.safeParse(value, { reportInput: true });
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const place = [...path, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
      if (issue.code === 'unrecognized_keys') {
        const known = issue.message.split(', ');
        for (const key of issue.keys) {
          if (this.full) return null;
          const sentence = `${subjectOf(place)} has the unknown key '${shown(key)}'${didYouMean(key, known)}; known are ${issue.message}`;
          this.report([...place, key], 'key', { found: shown(key), expected: issue.message, sentence });
        }
      } else {
        const found = describe(issue.input);
        const sentence = `${subjectOf(place)} is ${found}; expected ${issue.message}`;
        this.report(place, 'value', { found, expected: issue.message, sentence });
      }
    }
    return null;
  }

  /** Goes through the document once, whatever the number of keys. */
  #findDoubleKeys(document: Document): void {
    visit(document, {
      Map: (_, { items }) => {
        if (this.full) return visit.BREAK;
        const seen = new Set<string>();
        for (const { key } of items) {
          const name = isScalar(key) ? String(key.value) : null;
          if (name !== null && seen.has(name)) this.#pushAt(offsetOf(key) ?? 0, doubleKeyText(name));
          if (name !== null) seen.add(name);
        }
        return undefined;
      },
    });
  }

  /** Records a problem of the syntax by its offset, while there is place. */
  #pushAt(offset: number, text: ProblemText): void {
    if (this.full) return;
    const { line, col } = this.#lines.linePos(offset);
    this.#push(line, col, text);
  }

  #push(line: number, column: number, text: ProblemText): void {
    const { found, expected, sentence, warning = false } = text;
    this.#problems.push({ file: this.file, line, column, found, expected, sentence, warning });
  }
}

/** A value as people call it: `'text'`, `the number 5`, `["a"]`, `a map`, `missing`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (typeof value === 'string') return `'${shown(value)}'`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? shown(JSON.stringify(value)) : 'a map';
}

/** A text from a file, short and without control characters, so that it can stand in a sentence on a terminal. */
export function shown(text: string): string {
  const visible = text.replace(/\p{C}/gu, '?');
  return visible.length > SHOWN_CHARACTERS_MAX ? `${visible.slice(0, SHOWN_CHARACTERS_MAX)}…` : visible;
}

/** A zod message for a strict object: the known keys for an unknown one, else what is expected instead. */
export function strictMessage(
  expected: string,
  keys: readonly string[],
): { error: (issue: { code?: string }) => string } {
  return { error: (issue) => (issue.code === 'unrecognized_keys' ? keys.join(', ') : expected) };
}

function inFileOrder(a: FileProblem, b: FileProblem): number {
  return a.line - b.line || a.column - b.column;
}

function doubleKeyText(name: string): ProblemText {
  const key = shown(name);
  return { found: key, expected: 'each key once', sentence: `the key '${key}' stands twice; expected each key once` };
}

function syntaxText(code: string, message: string): ProblemText {
  if (code === 'MULTIPLE_DOCS') {
    const sentence = "the file holds more than one document; expected one, without a line '---' behind it";
    return { found: 'a second document', expected: 'one document', sentence };
  }
  const found = message.replace(/\s+/g, ' ');
  return { found, expected: 'YAML or JSON', sentence: `this is not YAML: ${found}` };
}

function pairOf(items: readonly Pair[], key: string): Pair | null {
  return items.find((pair) => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key)) === key) ?? null;
}

function offsetOf(node: unknown): number | null {
  const range = (node as { range?: readonly [number, ...number[]] | null } | null | undefined)?.range;
  return range === null || range === undefined ? null : range[0];
}

function resolved(node: unknown, document: Document | null): Node | null {
  if (isAlias(node)) return document === null ? null : (node.resolve(document) ?? null);
  return isMap(node) || isSeq(node) || isScalar(node) ? node : null;
}
