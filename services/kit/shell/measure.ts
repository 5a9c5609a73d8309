/**
 * How busy the process is.
 *
 * Lives here: one measurement, when asked for. Does not live here: what counts as overload (core/dialogues/health.ts).
 * Nothing runs between two measurements: an idle instance stays idle. Load is processor time, not the event loop's
 * utilization, because `performance` would be loaded for that alone.
 */

const NANOSECONDS = 1_000_000n;

/** Makes the function that measures: the share of a processor used since the last call, and how late the event loop is now. */
export function startMeasuring(): (done: (utilization: number, lagMs: number) => void) => void {
  let usageBefore = process.cpuUsage();
  let timeBefore = process.hrtime.bigint();
  return (done) => {
    const asked = process.hrtime.bigint();
    const usage = process.cpuUsage();
    const microseconds = usage.user - usageBefore.user + usage.system - usageBefore.system;
    const utilization = (microseconds * 1000) / Math.max(1, Number(asked - timeBefore));
    usageBefore = usage;
    timeBefore = asked;
    // Once around the event loop: what stands in its way makes us late. No timer: it would wake an idle process again.
    setImmediate(() => setImmediate(() => done(Math.min(1, utilization), msSince(asked))));
  };
}

function msSince(from: bigint): number {
  return Number((process.hrtime.bigint() - from) / NANOSECONDS);
}
