/** Deadlines against the plainest table that can do the same. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Deadlines } from '../../../ssmmp/machine/deadlines.ts';

type Act = { kind: 'set'; key: string; at: number } | { kind: 'clear'; key: string } | { kind: 'due'; now: number };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, at: fc.nat(50) }),
  fc.record({ kind: fc.constant('clear' as const), key }),
  fc.record({ kind: fc.constant('due' as const), now: fc.nat(50) }),
);

describe('deadlines', () => {
  it('give what is due in order of time, then of setting, like a plain list', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 300 }), (acts) => {
        let deadlines = new Deadlines();
        let plain: { key: string; at: number }[] = [];
        for (const [n, one] of acts.entries()) {
          if (one.kind === 'set') {
            deadlines.set(one.key, one.at);
            plain = [...plain.filter((entry) => entry.key !== one.key), { key: one.key, at: one.at }];
          } else if (one.kind === 'clear') {
            deadlines.clear(one.key);
            plain = plain.filter((entry) => entry.key !== one.key);
          } else {
            const sorted = [...plain].sort((a, b) => a.at - b.at);
            const expected = sorted[0] !== undefined && sorted[0].at <= one.now ? sorted[0].key : undefined;
            expect(deadlines.takeDue(one.now)).to.equal(expected);
            plain = plain.filter((entry) => entry.key !== expected);
          }
          if (n % 7 === 0) deadlines = Deadlines.load(deadlines.save());
          expect(deadlines.next()).to.equal(plain.length === 0 ? null : Math.min(...plain.map(({ at }) => at)));
          expect(deadlines.size).to.equal(plain.length);
        }
      }),
    );
  });

  it('does not grow when one key is set for ever', () => {
    const deadlines = new Deadlines();
    for (let n = 0; n < 100_000; n += 1) deadlines.set('beat', n);
    expect(deadlines.takeDue(1e9)).to.equal('beat');
    expect(deadlines.next()).to.equal(null);
  });
});
