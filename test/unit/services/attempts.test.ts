/** The ten places of a name: who gets one, who waits, who is sent away, and that nothing is left in memory. */
import { expect } from 'chai';
import { ATTEMPT_MS, Attempts, WAITING_MAX } from '../../../services/users-db/attempts.ts';

describe('login attempts', () => {
  it('a place whose holder never says how it ended is free again, and failures count from their own minute', () => {
    let now = 0;
    const failures: number[] = [];
    const attempts = new Attempts(
      1,
      () => now,
      () => failures,
    );
    for (let i = 0; i < 10; i += 1) expect(attempts.begin('a')).to.have.property('attempt');
    expect(attempts.begin('a')).to.be.instanceOf(Promise);
    now = ATTEMPT_MS;
    expect(attempts.begin('a')).to.have.property('attempt');
    for (let i = 0; i < 10; i += 1) failures.push(now);
    expect(attempts.begin('a')).to.deep.equal({ retryAfterMs: 60_000 });
  });

  it('who waits is let in, in order, when a place gets free, and sent away when it became a failure', async () => {
    const failures: number[] = [];
    const attempts = new Attempts(
      1,
      () => 0,
      () => failures,
    );
    const held = Array.from({ length: 10 }, () => attempts.begin('a') as { attempt: string });
    const waiting = [attempts.begin('a'), attempts.begin('A')];
    expect(attempts.end('a', held[0]!.attempt)).to.equal(true);
    expect(attempts.end('a', held[0]!.attempt), 'twice is once').to.equal(false);
    attempts.next('a');
    expect(await waiting[0]).to.have.property('attempt');
    for (const { attempt } of held.slice(1)) {
      attempts.end('a', attempt);
      failures.push(0);
      attempts.next('a');
    }
    attempts.end('a', ((await waiting[0]) as { attempt: string }).attempt);
    failures.push(0);
    attempts.next('a');
    expect(await waiting[1]).to.have.property('retryAfterMs');
    expect(attempts.size, 'nothing is left').to.equal(0);
  });

  it('a try that began before a restart counts, and waiting is bounded', () => {
    const attempts = new Attempts(
      2,
      () => 0,
      () => [],
    );
    expect(attempts.end('a', '1-of an earlier life')).to.equal(true);
    for (let i = 0; i < 10 + WAITING_MAX; i += 1) void attempts.begin('a');
    expect(attempts.begin('a')).to.have.property('retryAfterMs');
  });
});
