/** The table of timers: presets, the factor, and the order that keeps recovery sound. */
import { expect } from 'chai';
import {
  AGENT_START_MS,
  brokenTimerLaws,
  DEFAULT_TIMERS,
  isTimerPreset,
  scaledTimers,
  smallestFactor,
  TIMER_NAMES,
  TIMER_PRESETS,
  timerMeaning,
} from '../../../ssmmp/core/timers.ts';

describe('timers', () => {
  it('R46 the defaults are those of the rulings', () => {
    expect(DEFAULT_TIMERS).to.include({
      heartbeatMs: 500,
      suspectMs: 1500,
      lostMs: 5000,
      vanishMs: 5000,
      agentGraceMs: 3000,
      instanceHealthMs: 1000,
      instanceMissMs: 500,
      startMs: 10_000,
      sessionRequestMs: 15_000,
      ackMs: 5000,
      closeMs: 5000,
      gracefulMs: 10_000,
      gracefulAllMs: 3000,
      hardMs: 2000,
      restartFirstMs: 200,
      restartMostMs: 10_000,
      restartWindowMs: 30_000,
      reconnectFirstMs: 50,
      reconnectMostMs: 250,
      portQuarantineMs: 5000,
      orphanMs: 60_000,
    });
  });

  it('R46 one factor scales every one of them, and none becomes 0', () => {
    for (const preset of TIMER_PRESETS) {
      const once = scaledTimers(1, preset);
      const thrice = scaledTimers(3, preset);
      for (const name of TIMER_NAMES) expect(thrice[name], name).to.equal(3 * once[name]);
      for (const ms of Object.values(scaledTimers(0.000_01, preset))) expect(ms).to.be.at.least(1);
    }
  });

  it('every timer says what it is for', () => {
    for (const name of TIMER_NAMES) expect(timerMeaning(name)).to.match(/^[A-Z].{20,}\.$/);
  });

  it('lost > suspect + longest reconnect + start of an agent, and the other laws, for every preset and factor', () => {
    expect(TIMER_PRESETS).to.deep.equal(['lab', 'nomad', 'kubernetes']);
    for (const preset of TIMER_PRESETS)
      for (const factor of [smallestFactor(preset), 0.5, 1, 1.5, 2, 10, 100]) {
        const timers = scaledTimers(factor, preset);
        expect(brokenTimerLaws(timers), `${preset} ${factor}`).to.deep.equal([]);
        expect(timers.lostMs).to.be.above(timers.suspectMs + timers.reconnectMostMs + AGENT_START_MS);
      }
  });

  it('a factor below the smallest breaks a law, which is told in words', () => {
    expect(smallestFactor('lab')).to.equal(0.19);
    expect(brokenTimerLaws(scaledTimers(0.18))).to.have.length(1);
    expect(brokenTimerLaws(scaledTimers(0.1))[0]).to.match(
      /^lostMs > suspectMs \+ reconnectMostMs \+ start of an agent/,
    );
    expect(brokenTimerLaws({ ...DEFAULT_TIMERS, sessionRequestMs: 10_000 })).to.have.length(1);
  });

  it('presets differ in durations: Kubernetes replaces a lost node after 340 s, Nomad after 20', () => {
    expect(scaledTimers(1, 'kubernetes')).to.include({ suspectMs: 40_000, lostMs: 340_000, restartFirstMs: 10_000 });
    expect(scaledTimers(1, 'nomad')).to.include({ heartbeatMs: 10_000, lostMs: 20_000 });
    expect(scaledTimers(0.1, 'kubernetes').lostMs).to.equal(34_000);
    expect(isTimerPreset('toString')).to.equal(false);
  });
});
