/**
 * Tests that run beside each other, though mocha runs them one after the other.
 *
 * Lives here: that. Does not live here: any test. Labs mostly wait for processes to start; two at a time keep two cores
 * busy and halve the time. Each has clusters in subnets of its own.
 */
const LANES = 2;

/** Runs its jobs in the order in which they were added, two at a time. */
export class Pool {
  readonly #jobs: (() => Promise<void>)[] = [];
  #lanes = 0;

  /** Adds a job; what is given back resolves with its outcome. */
  add<T>(action: () => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.#jobs.push(() => action().then(resolve, reject));
    });
    done.catch(() => undefined); // the test that waits for it tells
    if (this.#lanes < LANES) void this.#lane();
    return done;
  }

  async #lane(): Promise<void> {
    this.#lanes += 1;
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) await job();
    this.#lanes -= 1;
  }
}
