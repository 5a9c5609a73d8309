/**
 * The clock of a shell: never back, and right from its first reading on.
 */
import { expect } from 'chai';
import { startClock } from '../../../ssmmp/shell/clock.ts';

describe('startClock', () => {
  it('counts on from the wall clock and does not follow it back', () => {
    let [wall, monotonic] = [1_000_000, 50];
    const now = startClock(0, { wall: () => wall, monotonic: () => monotonic });
    [wall, monotonic] = [5, 60];
    expect(now()).to.equal(1_000_010);
    monotonic = 59;
    expect(now()).to.equal(1_000_010);
  });

  it('begins where a journal ended, if that is later', () => {
    expect(startClock(2_000_000, { wall: () => 1_000_000, monotonic: () => 50 })()).to.equal(2_000_000);
  });

  it('is not late for ever when the process had to wait between reading one clock and the other', () => {
    // real time goes on by 30 ms behind the first reading of the wall clock, and by a little at each other reading
    let [realMs, readings] = [0, 0];
    const clocks = {
      monotonic: () => (realMs += 0.01),
      wall: () => {
        const reading = 1_000_000 + realMs;
        readings += 1;
        if (readings === 1) realMs += 30;
        return reading;
      },
    };
    const now = startClock(0, clocks);
    expect(now()).to.be.closeTo(1_000_000 + realMs, 1);
  });

  it('takes the best reading on a machine that lets it wait every time', () => {
    const waits = [30, 20, 5, 40, 50, 60, 70, 80, 90, 100];
    let realMs = 0;
    const clocks = {
      monotonic: () => realMs,
      wall: () => {
        const reading = 1_000_000 + realMs;
        realMs += waits.shift() ?? 0;
        return reading;
      },
    };
    expect(startClock(0, clocks)()).to.be.closeTo(1_000_000 + realMs, 1);
  });
});
