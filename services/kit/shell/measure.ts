/**
 * How busy the process is.
 *
 * Lives here: one measurement, when asked for. Does not live here: what counts as overload (core/dialogues/health.ts).
 * Nothing runs between two measurements: an idle instance stays idle.
 */
import type { EventLoopUtilization } from 'node:perf_hooks';

/** Makes the function that measures: the share of time the event loop was busy since the last call, and how late it is now. */
export function startMeasuring(): (done: (utilization: number, lagMs: number) => void) => void {
  // Without a measurement before it the first one is over the time since the start.
  let before: EventLoopUtilization | undefined;
  return (done) => {
    const now = performance.eventLoopUtilization();
    const { utilization } = before === undefined ? now : performance.eventLoopUtilization(now, before);
    before = now;
    const asked = performance.now();
    // Through the timers, the poll phase and the queue of immediates once: what stands there makes us late.
    setTimeout(() => setImmediate(() => done(utilization, Math.max(0, performance.now() - asked - 1))), 1);
  };
}
