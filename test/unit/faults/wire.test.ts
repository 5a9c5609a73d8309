/** Holding the wire: what is held, what passes meanwhile, what each decision lets go. */
import { expect } from 'chai';
import { Wire, type Decision, type HoldRequest, type WireEffect } from '../../../faults/core/wire.ts';

const HOLD: HoldRequest = { id: 'f1', direction: 'down', type: null, links: ['a', 'b'], nth: 1, then: null };
const HEALTH = 'type: agent_health_control_request ~ message_id: 30007 ~ agent_network_address: 127.0.0.11';

function message(id: number, type = 'execution_request'): string {
  return `type: ${type} ~ message_id: ${id}`;
}

/** The ids of the messages that were sent on, by link: `a1 b2`. */
function sent(effects: readonly WireEffect[]): string {
  const ids = (effect: WireEffect): string[] =>
    effect.kind === 'send' ? effect.lines.map((line) => `${effect.link}${/\d+/.exec(line)?.[0]}`) : [];
  return effects.flatMap(ids).join(' ');
}

describe('faults: holding the wire', () => {
  it('nothing armed: everything passes', () => {
    expect(sent(new Wire().line('a', 'down', message(1)))).to.equal('a1');
  });

  it('counts matching messages over all its links, not those of health, and stops before the nth', () => {
    const wire = new Wire();
    wire.arm({ ...HOLD, nth: 3 });
    expect(sent(wire.line('a', 'down', message(1)))).to.equal('a1');
    expect(sent(wire.line('a', 'down', HEALTH))).to.equal('a30007');
    expect(sent(wire.line('a', 'up', message(9)))).to.equal('a9');
    expect(sent(wire.line('c', 'down', message(8)))).to.equal('c8');
    expect(sent(wire.line('b', 'down', message(2)))).to.equal('b2');
    expect(wire.line('a', 'down', message(3))).to.deep.equal([{ kind: 'held', id: 'f1', link: 'a', line: message(3) }]);
  });

  it('what comes behind it on the link waits; health, the other direction and other links go on', () => {
    const wire = new Wire();
    wire.arm(HOLD);
    wire.line('a', 'down', message(1));
    expect(wire.line('a', 'down', message(2))).to.deep.equal([]);
    expect(sent(wire.line('a', 'down', HEALTH))).to.equal('a30007');
    expect(sent(wire.line('a', 'up', message(3)))).to.equal('a3');
    expect(sent(wire.line('b', 'down', message(4)))).to.equal('b4');
  });

  for (const [decision, order] of [
    ['deliver', 'a1 a2 a3'],
    ['drop', 'a2 a3'],
    ['duplicate', 'a1 a1 a2 a3'],
    ['reorder', 'a2 a1 a3'],
  ] as const satisfies [Decision, string][])
    it(`${decision}: ${order}`, () => {
      const wire = new Wire();
      wire.arm(HOLD);
      for (const id of [1, 2, 3]) wire.line('a', 'down', message(id));
      const effects = wire.decide('f1', decision);
      expect(sent(effects)).to.equal(order);
      expect(effects).to.deep.include({ kind: 'done', id: 'f1', decision });
      expect(sent(wire.line('a', 'down', message(4)))).to.equal('a4');
    });

  it('reorder with nothing behind it waits for the next message, which goes first', () => {
    const wire = new Wire();
    wire.arm({ ...HOLD, then: 'reorder' });
    expect(sent(wire.line('a', 'down', message(1)))).to.equal('');
    expect(sent(wire.line('a', 'down', HEALTH)), 'health is not the next one').to.equal('a30007');
    expect(sent(wire.line('a', 'down', message(2)))).to.equal('a2 a1');
  });

  it('a type: that one only, a health message too', () => {
    const wire = new Wire();
    wire.arm({ ...HOLD, type: 'agent_health_control_request', nth: 2, then: 'drop' });
    expect(sent(wire.line('a', 'down', message(1)))).to.equal('a1');
    expect(sent(wire.line('a', 'down', HEALTH))).to.equal('a30007');
    expect(sent(wire.line('a', 'down', HEALTH))).to.equal('');
    expect(sent(wire.line('a', 'down', HEALTH))).to.equal('a30007');
  });

  it('a second hold catches what waited behind the first', () => {
    const wire = new Wire();
    wire.arm(HOLD);
    wire.line('a', 'down', message(1));
    wire.arm({ ...HOLD, id: 'f2', then: 'drop' });
    wire.line('a', 'down', message(2));
    wire.line('a', 'down', message(3));
    expect(sent(wire.decide('f1', 'deliver'))).to.equal('a1 a3');
  });

  it('undone: delivered when held, disarmed when not; a connection that ends takes its message with it', () => {
    const wire = new Wire();
    wire.arm(HOLD);
    wire.line('a', 'down', message(1));
    expect(sent(wire.forget('f1'))).to.equal('a1');
    wire.arm(HOLD);
    wire.forget('f1');
    expect(sent(wire.line('a', 'down', message(2)))).to.equal('a2');
    wire.arm(HOLD);
    wire.line('a', 'down', message(3));
    expect(wire.ended('a')).to.deep.equal([{ kind: 'done', id: 'f1', decision: 'drop' }]);
    expect(wire.decide('f1', 'deliver')).to.deep.equal([]);
  });
});
