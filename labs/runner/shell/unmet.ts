/**
 * The expectations of checks: each says what was expected, what came, and where to read.
 *
 * Lives here: the error that a failed item is, and the few ways to throw it. Does not live here: what is done with it
 * (item-result.ts).
 *
 * Any other error means that the check itself broke. So a check must never let a student's mistake end in a TypeError: read
 * the student's files with `work.text` and `work.yaml`, wait with `work.until`, compare with these.
 */

export interface UnmetText {
  readonly expected: string;
  readonly came: string;
  /** Where to read more; the item's own page when left out. */
  readonly page?: string;
  /** One more sentence: what the difference means. */
  readonly remark?: string;
}

/** What the student made is not as it must be. */
export class Unmet extends Error {
  readonly text: UnmetText;

  constructor(text: UnmetText) {
    super(`expected ${text.expected}; came ${text.came}`);
    this.name = 'Unmet';
    this.text = text;
  }
}

/** A check is bundled with a class of its own, so `instanceof` would not know it. */
export function isUnmet(error: unknown): error is Unmet {
  return error instanceof Error && error.name === 'Unmet' && typeof (error as Partial<Unmet>).text === 'object';
}

/** Throws Unmet unless `condition`. */
export function expectThat(condition: boolean, text: UnmetText): asserts condition {
  if (!condition) throw new Unmet(text);
}

/** Throws Unmet unless both are equal as JSON; `what` names the value in the student's words. */
export function expectEqual(what: string, came: unknown, expected: unknown, more: Partial<UnmetText> = {}): void {
  const [left, right] = [JSON.stringify(came) ?? 'nothing', JSON.stringify(expected) ?? 'nothing'];
  if (left !== right) throw new Unmet({ expected: `${what}: ${right}`, came: `${what}: ${left}`, ...more });
}
