/**
 * What a cluster saw, said when a test fails that used it: a failure that comes once in many runs has to explain itself,
 * for its state directory is gone by the time anybody looks.
 *
 * Lives here: the list of clusters that run, and the root hook of mocha that lets each tell what it saw. Does not live here: how a
 * cluster is asked (cluster.ts), where it is printed (scripts/reporter.cjs), any expectation.
 */

/** Something that can say what it saw lately, as lines. */
export interface Witness {
  tell(): Promise<string>;
}

const witnesses = new Set<Witness>();

export function watch(witness: Witness): void {
  witnesses.add(witness);
}

export function forget(witness: Witness): void {
  witnesses.delete(witness);
}

/** What a run without mocha (a soak, a recording) does not have. */
type Hook = (run: (this: Mocha.Context) => Promise<void>) => void;
const { afterEach } = globalThis as { afterEach?: Hook };

afterEach?.(async function () {
  const test = this.currentTest;
  if (test?.state !== 'failed') return;
  this.timeout(60_000);
  const told: string[] = [];
  for (const witness of witnesses) told.push(await witness.tell());
  // Taken up by the reporter (scripts/reporter.cjs), which says it at the end of all tests.
  Object.assign(test, { told: told.join('\n') });
});
