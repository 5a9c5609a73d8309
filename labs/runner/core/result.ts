/**
 * What a check comes to: items, points, a verdict.
 *
 * Lives here: the shapes that results.json holds, and adding up. Does not live here: words for people (verdict.ts), other
 * formats (exports.ts).
 *
 * Theory. Three ends are kept apart. *Failed*: what the student made is not as it must be; the item says what was expected,
 * what came and where to read. *Broken*: the check itself ended in a way its author did not foresee; nobody loses a point for
 * that silently, an instructor looks. *Left out*: not asked for (`--only`, `watch`).
 */

export type ItemStatus = 'passed' | 'failed' | 'broken' | 'left out';

/** Why an item failed, in full. */
export interface Failure {
  readonly expected: string;
  readonly came: string;
  /** Where to read more. */
  readonly page: string;
  /** One more sentence, where the check has one. */
  readonly remark: string | null;
}

export interface ItemResult {
  readonly name: string;
  readonly says: string;
  readonly points_max: number;
  readonly points: number;
  readonly status: ItemStatus;
  readonly took_ms: number;
  readonly failure: Failure | null;
  /** Of a broken item: what the check threw, with its stack. */
  readonly error: string | null;
}

export type Verdict = 'passed' | 'failed' | 'broken';

export interface LabResult {
  /** `00-meet-the-cnapp`. */
  readonly lab: string;
  readonly title: string;
  /** The working folder that was checked. */
  readonly folder: string;
  /** ISO 8601. */
  readonly time: string;
  readonly seed: number;
  /** Did any item use the seed? Then it belongs into the verdict. */
  readonly used_seed: boolean;
  readonly took_ms: number;
  readonly points: number;
  readonly points_max: number;
  readonly verdict: Verdict;
  readonly items: readonly ItemResult[];
  /** The command that runs the same check again. */
  readonly again: string;
}

export type ResultFacts = Omit<LabResult, 'points' | 'points_max' | 'verdict'>;

/** Adds up. What was left out counts neither way. */
export function scored(facts: ResultFacts): LabResult {
  const counted = facts.items.filter(({ status }) => status !== 'left out');
  const sum = (of: (item: ItemResult) => number): number => counted.reduce((total, item) => total + of(item), 0);
  return {
    ...facts,
    points: sum((item) => item.points),
    points_max: sum((item) => item.points_max),
    verdict: verdictOf(counted),
  };
}

/** Broken before failed: where a check is broken, the rest says little. Nothing checked is nothing passed. */
export function verdictOf(items: readonly Pick<ItemResult, 'status'>[]): Verdict {
  if (items.some(({ status }) => status === 'broken')) return 'broken';
  return items.length > 0 && items.every(({ status }) => status === 'passed') ? 'passed' : 'failed';
}

/** The worst of several runs of one check (hidden seeds, `--repeat`): each item as in the run where it earned least. */
export function worstOf(results: readonly LabResult[]): LabResult {
  const [first] = results;
  if (first === undefined) throw new Error('there is no result to choose from');
  const rank: Readonly<Record<ItemStatus, number>> = { broken: 0, failed: 1, 'left out': 2, passed: 3 };
  const items = first.items.map(({ name }) =>
    results
      .flatMap((result) => result.items.filter((item) => item.name === name))
      .reduce((worst, item) => (rank[item.status] < rank[worst.status] ? item : worst)),
  );
  const worst =
    results.find(({ verdict }) => verdict === 'broken') ?? results.find(({ verdict }) => verdict === 'failed') ?? first;
  const tookMs = results.reduce((total, result) => total + result.took_ms, 0);
  return scored({ ...worst, items, took_ms: tookMs });
}
