/** The balancing policies, alone and in the Manager. */
import { expect } from 'chai';
import { BALANCING } from '../../../manager/core/policy/balancing.ts';
import type { BalancingView } from '../../../ssmmp/core/policy.ts';
import { SMALL } from './harness.ts';
import { Obedient } from './obedient.ts';

function view(sessions: Record<number, number>, last = 0, choices = 0): BalancingView {
  const candidates = Object.entries(sessions).map(([id, count]) => ({
    instance: Number(id),
    node: 1,
    version: null,
    weight: 1,
    sessions: count,
    load: null,
    inFlight: null,
  }));
  const common = { at: 0, service: 'front', state: null, source: null, last, choices };
  return { ...common, candidates: candidates.sort((a, b) => a.sessions - b.sessions) };
}

/** A cluster with three replicas of front and so many sessions from gate. */
function cluster(policy: string, sessions: number): Obedient {
  const made = new Obedient(`${SMALL}policies: {balancing: ${policy}}\n`);
  made.reopens = true;
  made.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
  for (let n = 0; n < sessions; n += 1) made.open('gate', 'front-plug', 'front-socket', 'front');
  return made;
}

describe('balancing policies', () => {
  it('least-sessions takes the instance with the fewest', () => {
    expect(BALANCING['least-sessions'](view({ 3: 2, 4: 1, 5: 7 })).instance).to.equal(4);
  });

  it('round-robin takes the next id, and begins again after the highest', () => {
    const loads = { 3: 9, 4: 0, 8: 1 };
    expect([0, 3, 4, 5, 8, 9].map((last) => BALANCING['round-robin'](view(loads, last)).instance)).to.deep.equal([
      3, 4, 8, 8, 3, 3,
    ]);
  });

  it('random takes each with the same probability, and the same again at the same count', () => {
    const taken = new Map<number, number>();
    for (let choices = 0; choices < 3000; choices += 1) {
      const id = BALANCING.random(view({ 3: 0, 4: 5, 8: 1 }, 0, choices)).instance;
      expect(BALANCING.random(view({ 8: 0, 4: 1, 3: 2 }, 9, choices)).instance).to.equal(id);
      taken.set(id, (taken.get(id) ?? 0) + 1);
    }
    for (const count of taken.values()) expect(count).to.be.within(900, 1100);
    expect(taken.size).to.equal(3);
  });
});

describe('Manager: balancing as the graph says', () => {
  it('every policy reaches all replicas with the sessions of one plug', () => {
    for (const policy of ['least-sessions', 'round-robin', 'random'])
      expect(cluster(policy, 3).spread('front'), policy).to.deep.equal([1, 1, 1]);
  });

  it('round-robin gives in turn, whoever has fewer', () => {
    const made = cluster('round-robin', 9);
    expect(made.spread('front')).to.deep.equal([3, 3, 3]);
    const { lastChosen } = made.m.state.services.get('front') ?? {};
    const ids = made.of('front').map(({ id }) => id);
    made.open('gate', 'front-plug', 'front-socket', 'front');
    expect(made.m.state.services.get('front')?.lastChosen).to.equal(ids[(ids.indexOf(lastChosen ?? 0) + 1) % 3]);
  });

  it('random leaves them uneven and nobody evens them out for ever', () => {
    const made = cluster('random', 40);
    made.pass(1000);
    const spread = made.spread('front');
    made.log.length = 0;
    made.pass(20_000);
    expect(made.spread('front')).to.deep.equal(spread);
    expect(made.log.filter((line) => line.includes('closing'))).to.deep.equal([]);
    expect(Math.max(...spread) - Math.min(...spread)).to.be.above(1);
  });

  it('a replica that comes later gets its part once, with every policy', () => {
    for (const policy of ['least-sessions', 'round-robin', 'random']) {
      const made = new Obedient(`${SMALL}policies: {balancing: ${policy}}\n`);
      made.reopens = true;
      for (let n = 0; n < 24; n += 1) made.open('gate', 'front-plug', 'front-socket', 'front');
      made.command(1, { command: 'scale', service: 'front', replicas: 3, dry_run: false });
      made.pass(2000);
      expect(made.spread('front')[0], policy).to.be.above(policy === 'least-sessions' ? 7 : 2);
    }
  });

  it('a policy that is applied chooses from then on', () => {
    const made = cluster('least-sessions', 3);
    made.apply(2, `${SMALL}policies: {balancing: round-robin}\n`);
    expect(made.reply(2)?.status).to.equal(200);
    for (let n = 0; n < 6; n += 1) made.open('gate', 'front-plug', 'front-socket', 'front');
    expect(made.spread('front')).to.deep.equal([3, 3, 3]);
  });

  it('scaling: none leaves the number of replicas to operators and demand', () => {
    for (const scaling of ['load', 'none']) {
      const made = new Obedient(`${SMALL}policies: {scaling: ${scaling}}\n`);
      made.open('gate', 'front-plug', 'front-socket', 'front');
      for (let ms = 0; ms < 5000; ms += 100) {
        for (const instance of made.of('front')) {
          made.m.silent.add(instance.id);
          Object.assign(instance, { load: 0.95, health: 200, misses: 0, healthAwaited: false });
        }
        made.pass(100);
      }
      expect(made.of('front'), scaling).to.have.length(scaling === 'load' ? 2 : 1);
    }
  });
});
