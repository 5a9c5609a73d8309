/**
 * The clock of a shell: milliseconds since 1970 that never go back.
 *
 * Lives here: the only reading of time in an actor. A core gets its time with its inputs. The wall clock
 * is read once; from then on the monotonic clock counts, so a clock set back cannot run a lease again.
 */

/** Makes a clock that starts at the wall clock's time, or at `notBefore` (the last time a journal saw) if that is later. */
export function startClock(notBefore = 0): () => number {
  const offset = Math.max(Date.now(), notBefore) - monotonicMs();
  let last = 0;
  return () => (last = Math.max(last, Math.round(offset + monotonicMs())));
}

/** Not `performance.now()`: the first use of it loads a module, which costs an instance a millisecond of its start. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
