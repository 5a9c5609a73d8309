/** Which of its sessions a plug gives a request to, with sessions that are only numbers. */
import { expect } from 'chai';
import { CROWDED_IN_FLIGHT, Spread } from '../../../services/kit/shell/spread.ts';
import type { SourceSession } from '../../../services/kit/shell/source-session.ts';

interface Fake {
  readonly name: string;
  live: number;
  draining: boolean;
  hasRoom: boolean;
}

function spreadOf(replicas: number, ...names: string[]): { spread: Spread; sessions: Fake[] } {
  const spread = new Spread();
  spread.over(replicas);
  const sessions = names.map((name) => ({ name, live: 0, draining: false, hasRoom: true }));
  for (const session of sessions) spread.add(session as unknown as SourceSession);
  return { spread, sessions };
}

function chosen(spread: Spread, times: number): string {
  return Array.from({ length: times }, () => (spread.choose() as unknown as Fake | null)?.name ?? '-').join('');
}

describe('kit: spreading requests over sessions', () => {
  it('round robin among equals, least in flight before that', () => {
    const { spread, sessions } = spreadOf(3, 'a', 'b', 'c');
    expect(chosen(spread, 7)).to.equal('abcabca');
    (sessions[0] as Fake).live = 1;
    (sessions[2] as Fake).live = 2;
    expect(chosen(spread, 3)).to.equal('bbb');
  });

  it('a surplus session gets nothing while the others have room, so that it falls idle', () => {
    const { spread, sessions } = spreadOf(2, 'a', 'b', 'c');
    expect(chosen(spread, 4)).to.equal('abab');
    for (const session of sessions.slice(0, 2)) session.hasRoom = false;
    expect(chosen(spread, 2)).to.equal('cc');
    (sessions[2] as Fake).hasRoom = false;
    expect(chosen(spread, 1)).to.equal('-');
  });

  it('one that drains leaves its place to the next', () => {
    const { spread, sessions } = spreadOf(2, 'a', 'b', 'c');
    (sessions[0] as Fake).draining = true;
    spread.refresh();
    expect(spread.usable).to.equal(2);
    expect(chosen(spread, 4)).to.equal('bcbc');
    spread.remove(sessions[1] as unknown as SourceSession);
    expect(chosen(spread, 2)).to.equal('cc');
  });

  it('wants one session more when every one is crowded, one less when half would do', () => {
    const { spread, sessions } = spreadOf(1, 'a');
    const [a] = sessions as [Fake];
    a.live = CROWDED_IN_FLIGHT;
    spread.look();
    expect(spread.wanted).to.equal(1);
    a.live = CROWDED_IN_FLIGHT + 1;
    for (let n = 0; n < 3; n += 1) spread.look();
    expect(spread.wanted, 'one at a time: the second is not there yet').to.equal(2);
    const b = { name: 'b', live: 0, draining: false, hasRoom: true };
    spread.add(b as unknown as SourceSession);
    expect(chosen(spread, 1)).to.equal('b');
    a.live = CROWDED_IN_FLIGHT / 2;
    spread.look();
    expect(spread.wanted).to.equal(2);
    a.live -= 1;
    spread.look();
    expect(spread.wanted).to.equal(1);
    expect(chosen(spread, 2)).to.equal('aa');
  });

  it('parts decide where versions have weights: nine of ten, whatever is in flight; all equal where one is unknown', () => {
    const spread = new Spread();
    spread.over(2);
    const fake = (name: string, part: number): Fake & { part: number; passed: number } => ({
      ...{ name, part, passed: 0, live: 0, draining: false, hasRoom: true },
    });
    const [old, canary] = [fake('a', 900), fake('b', 100)];
    for (const session of [old, canary]) spread.add(session as unknown as SourceSession);
    const order = chosen(spread, 20);
    expect(order.replaceAll('a', '')).to.equal('bb');
    expect(order).to.match(/^a+ba{9}ba*$/);
    old.hasRoom = false;
    expect(chosen(spread, 2)).to.equal('bb');
    old.hasRoom = true;
    canary.part = 0;
    spread.refresh();
    expect(chosen(spread, 4)).to.equal('abab');
  });
});
