/**
 * How busy the process is.
 *
 * Lives here: one measurement, when asked for. Does not live here: what counts as overload (core/dialogues/health.ts).
 * Nothing runs between two measurements: an idle instance stays idle.
 *
 * Theory. Load is the share of time in which the event loop had something to do. That is more than processor time: on a machine
 * that others use too, an instance may be asked more than it can answer and get a third of a processor. Yet Node's account
 * of it comes with `performance`, 2 ms and 150 KB that an idle instance does not need; so it is loaded by the first
 * measurement that finds some processor time used (not by the very first one, which finds the start), and until the one after
 * that, processor time has to do.
 */

const NANOSECONDS = 1_000_000n;
/** Share of a processor from which on it is worth to know the event loop's. */
const BUSY_SHARE = 0.1;

/** Makes the function that measures: the load since the last call, 0 to 1, and how late the event loop is now. */
export function startMeasuring(): (done: (utilization: number, lagMs: number) => void) => void {
  let usageBefore = process.cpuUsage();
  let timeBefore = process.hrtime.bigint();
  let isFirst = true;
  let loopBefore: ReturnType<typeof performance.eventLoopUtilization> | null = null;
  return (done) => {
    const asked = process.hrtime.bigint();
    const usage = process.cpuUsage();
    const microseconds = usage.user - usageBefore.user + usage.system - usageBefore.system;
    let utilization = (microseconds * 1000) / Math.max(1, Number(asked - timeBefore));
    usageBefore = usage;
    timeBefore = asked;
    if (loopBefore !== null || (!isFirst && utilization >= BUSY_SHARE)) {
      const loop = performance.eventLoopUtilization();
      if (loopBefore !== null) ({ utilization } = performance.eventLoopUtilization(loop, loopBefore));
      loopBefore = loop;
    }
    isFirst = false;
    // Once around the event loop: what stands in its way makes us late. No timer: it would wake an idle process again.
    setImmediate(() => setImmediate(() => done(Math.min(1, utilization), msSince(asked))));
  };
}

function msSince(from: bigint): number {
  return Number((process.hrtime.bigint() - from) / NANOSECONDS);
}
