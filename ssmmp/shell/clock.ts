/**
 * The clock of a shell: milliseconds since 1970 that never go back.
 *
 * Lives here: the only reading of time in an actor. A core gets its time with its inputs. The wall clock
 * is read once; from then on the monotonic clock counts, so a clock set back cannot run a lease again.
 */

/** What a clock is made of. */
export interface Clocks {
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  /** Milliseconds since whenever; never goes back. */
  readonly monotonic: () => number;
}

/** Between the readings of the two clocks; more, and this process had to wait for a processor just there. */
const READING_MS_MAX = 0.2;
const READINGS_MAX = 10;

/** Makes a clock that starts at the wall clock's time, or at `notBefore` (the last time a journal saw) if that is later. */
export function startClock(notBefore = 0, clocks: Clocks = { wall: Date.now, monotonic: monotonicMs }): () => number {
  const { wall, before } = readTogether(clocks);
  const offset = Math.max(wall, notBefore) - before;
  let last = 0;
  return () => (last = Math.max(last, Math.round(offset + clocks.monotonic())));
}

/** Both clocks at one moment: processes that stop between two readings would be late by that, each by another time, for ever. */
function readTogether({ wall, monotonic }: Clocks): { wall: number; before: number } {
  let best = { wall: 0, before: 0, tookMs: Infinity };
  for (let reading = 0; reading < READINGS_MAX && best.tookMs > READING_MS_MAX; reading += 1) {
    const before = monotonic();
    const now = wall();
    const tookMs = monotonic() - before;
    if (tookMs < best.tookMs) best = { wall: now, before, tookMs };
  }
  return best;
}

/** Not `performance.now()`: the first use of it loads a module, which costs an instance a millisecond of its start. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
