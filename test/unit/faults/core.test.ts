/** What a bad link does to bytes, cuts as rules of nft, faults in words. */
import { expect } from 'chai';
import { nftRules } from '../../../faults/core/cuts.ts';
import { detailText, faultRequest, targetText, undoText, type CutRequest } from '../../../faults/core/fault.ts';
import { arrivalMs, CLEAR, drawFrom, newPipe, nextResetMs, RETRANSMIT_MS } from '../../../faults/core/shape.ts';

describe('faults: the shape of a link', () => {
  const never = (): number => 0.999;

  it('a good link changes nothing; delay and rate add up, and order stays', () => {
    expect(arrivalMs(newPipe(), CLEAR, 1000, 5, never)).to.equal(5);
    const pipe = newPipe();
    const shape = { ...CLEAR, delayMs: 100, bytesPerSecond: 1000 };
    expect(arrivalMs(pipe, shape, 500, 0, never)).to.equal(600);
    expect(arrivalMs(pipe, shape, 500, 0, never), 'it waits for the one before').to.equal(1100);
    expect(arrivalMs(pipe, shape, 100, 5000, never)).to.equal(5200);
  });

  it('jitter never lets one overtake another', () => {
    const pipe = newPipe();
    const draws = [0.9, 0];
    const arrive = (): number => arrivalMs(pipe, { ...CLEAR, jitterMs: 100 }, 1, 0, () => draws.shift() as number);
    expect([arrive(), arrive()]).to.deep.equal([90, 90]);
  });

  it('a lost packet waits for its retransmission, twice as long when it is lost again, and so does all behind it', () => {
    const pipe = newPipe();
    const draws = [0, 0, 0.9, 0.9];
    const arrive = (): number => arrivalMs(pipe, { ...CLEAR, lossPercent: 50 }, 100, 0, () => draws.shift() as number);
    expect([arrive(), arrive()]).to.deep.equal([3 * RETRANSMIT_MS, 3 * RETRANSMIT_MS]);
  });

  it('everything lost still arrives at some time', () => {
    const lost = { ...CLEAR, lossPercent: 100 };
    expect(arrivalMs(newPipe(), lost, 1, 0, () => 0)).to.be.within(RETRANSMIT_MS, 60_000);
  });

  it('resets come so often as asked for, and the same seed gives the same link', () => {
    const draw = drawFrom(7);
    const waits = Array.from({ length: 4000 }, () => nextResetMs({ ...CLEAR, resetsPerMinute: 60 }, draw) as number);
    expect(waits.reduce((sum, wait) => sum + wait, 0) / waits.length).to.be.within(900, 1100);
    expect(nextResetMs(CLEAR, draw)).to.equal(null);
    expect(drawFrom(7)()).to.equal(drawFrom(7)());
  });
});

describe('faults: cuts as rules of nft', () => {
  const addresses = { manager: 'fd55::1', users: 'fd55::2', node: (node: number) => `fd55::${node + 10}` };
  const cut = (change: Partial<CutRequest>): CutRequest => ({
    kind: 'cut',
    node: 2,
    peer: 'manager',
    oneWay: null,
    forMs: null,
    ...change,
  });
  const rules = (...cuts: CutRequest[]): string[] =>
    nftRules(2, cuts, addresses)
      .split('\n')
      .filter((line) => line.includes('drop'))
      .map((line) => line.trim());

  it('both ways, one way, a node, everybody; cuts of other nodes are not its own', () => {
    expect(rules(cut({}))).to.deep.equal(['ip6 saddr fd55::1 drop', 'ip6 daddr fd55::1 drop']);
    expect(rules(cut({ oneWay: 'from-node' }))).to.deep.equal(['ip6 daddr fd55::1 drop']);
    expect(rules(cut({ oneWay: 'to-node', peer: { node: 3 } }))).to.deep.equal(['ip6 saddr fd55::13 drop']);
    expect(rules(cut({ peer: 'all', oneWay: 'to-node' }))).to.deep.equal([
      'ip6 saddr != { ::1, fd55::12, fe80::/10, ff02::/16 } drop',
    ]);
    expect(rules(cut({ node: 1 }))).to.deep.equal([]);
    expect(rules()).to.deep.equal([]);
  });
});

describe('faults: in words', () => {
  it('target, what it does, what undoes it', () => {
    const words = (request: unknown): string[] => {
      const parsed = faultRequest.parse(request);
      return [targetText(parsed), detailText(parsed), undoText('f1', parsed)];
    };
    const stop = { kind: 'stop', what: 'agent', name: 'agent of node 2', pid: 7, startTime: null, forMs: null };
    expect(words(stop)).to.deep.equal(['agent of node 2', 'stopped, does nothing', 'ssmmp fault continue agent 2']);
    expect(words({ kind: 'cut', node: 2, peer: { node: 3 }, oneWay: 'from-node', forMs: null })).to.deep.equal([
      'node 2 and node 3',
      'nothing leaves the node',
      'ssmmp fault heal 2 3',
    ]);
    const hold = { kind: 'hold', node: null, from: 'manager', type: null, nth: 12, then: 'drop', forMs: null };
    expect(words(hold)[1]).to.equal("before the Manager's 12th message but those of health, then drop");
    expect(() => words({ ...stop, pid: 1 }), 'no fault stops the first process').to.throw();
  });
});
