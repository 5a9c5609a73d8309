/** Several sessions of one plug: how many it opens, when, and when it opens no more. */
import { expect } from 'chai';
import { SESSIONS_PER_PLUG_MAX as MANAGERS_MAX } from '../../../manager/core/operations/rebalance.ts';
import { SESSIONS_PER_PLUG_MAX, sessionsOf } from '../../../services/kit/core/dialogues/replicas.ts';
import { TestInstance } from './test-instance.ts';

const PLUG = 'posts-plug';

/** Grants with a number of replicas; ids of what is asked for at once. */
function grantOf(instance: TestInstance, id: number, replicas: string | null): number[] {
  instance.grant(id, replicas === null ? {} : { x: { x_replicas: replicas } });
  return instance.sent('session_request').map(({ message_id }) => message_id);
}

function wish(instance: TestInstance, atLeast?: number): number[] {
  instance.input({ kind: 'session_needed', plug: PLUG, ...(atLeast === undefined ? {} : { atLeast }) });
  return instance.sent('session_request').map(({ message_id }) => message_id);
}

describe('kit: several sessions of a plug', () => {
  it('R14 asks for the missing sessions at once when a response tells of more replicas, and says how far to spread', () => {
    const instance = new TestInstance().begin();
    expect(wish(instance)).to.deep.equal([1000]);
    expect(grantOf(instance, 1000, '3')).to.deep.equal([1001, 1002]);
    expect(instance.did('spread')).to.deep.equal([{ kind: 'spread', plug: PLUG, sessions: 3 }]);
    expect(grantOf(instance, 1001, '3')).to.deep.equal([]);
    expect(grantOf(instance, 1002, '3')).to.deep.equal([]);
    for (const opening of [1000, 1001, 1002]) instance.input({ kind: 'dialed', opening });
    expect(instance.state.sources.size).to.equal(3);
    expect(wish(instance)).to.deep.equal([]);
  });

  it('has eight at most, the number the Manager counts on; what is no number means one', () => {
    expect(SESSIONS_PER_PLUG_MAX).to.equal(MANAGERS_MAX);
    const instance = new TestInstance().begin();
    expect(grantOf(instance, instance.need(), '400')).to.have.length(SESSIONS_PER_PLUG_MAX - 1);
    expect(wish(instance, 100)).to.deep.equal([]);
    for (const said of ['0', '-2', '2.5', 'many', '1e9']) {
      const other = new TestInstance().begin();
      expect(grantOf(other, other.need(), said), said).to.deep.equal([]);
    }
  });

  it('a response without the line (strict) means one session, and another only for a crowded plug', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    expect(grantOf(instance, id, null)).to.deep.equal([]);
    instance.input({ kind: 'dialed', opening: id });
    expect(wish(instance)).to.deep.equal([]);
    expect(wish(instance, 2)).to.deep.equal([1001]);
    expect(wish(instance, 2), 'once').to.deep.equal([]);
  });

  it('a session that goes while the plug is in use is replaced; with none left the plug learns the number anew', () => {
    const instance = new TestInstance().begin();
    const [first] = wish(instance);
    const more = grantOf(instance, first as number, '2');
    grantOf(instance, more[0] as number, '2');
    for (const opening of [first, ...more]) instance.input({ kind: 'dialed', opening: opening as number });
    const [one, two] = [...instance.state.sources.keys()];
    instance.closeSource(one as string);
    const next = wish(instance);
    expect(next, 'one for the one that drains').to.have.length(1);
    expect(grantOf(instance, next[0] as number, null)).to.deep.equal([]);
    expect(instance.did('spread')).to.deep.equal([{ kind: 'spread', plug: PLUG, sessions: 1 }]);
    instance.input({ kind: 'dial_failed', opening: next[0] as number, why: 'refused' });
    instance.input({ kind: 'session_ended', side: 'source', key: two as string, clean: true });
    instance.wait(1000);
    expect(wish(instance), 'one, whatever was known before').to.have.length(1);
    expect(sessionsOf(instance.state, PLUG)).to.equal(1);
  });

  it('several that fail together make one pause', () => {
    const instance = new TestInstance().begin();
    const first = instance.need();
    const more = grantOf(instance, first, '4');
    instance.input({ kind: 'dialed', opening: first });
    instance.grant(more[0] as number, { status: 503 });
    instance.wait(0);
    for (const id of more.slice(1)) instance.grant(id, { status: 503 });
    expect(instance.state.plugs.get(PLUG)?.failures).to.equal(2);
    expect(wish(instance), 'not in the pause').to.deep.equal([]);
  });
});
