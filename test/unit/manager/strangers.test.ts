/** Agents that nobody expected: what a stranger that registers can make the Manager keep. */
import { expect } from 'chai';
import { AGENTS_MAX } from '../../../manager/core/dialogues/initiation.ts';
import type { Agent } from '../../../manager/core/state.ts';
import { smallCluster, TestManager } from './harness.ts';

describe('Manager: strangers that register', function () {
  this.timeout(10_000);

  /** Fills the state up to the limit with copies of an agent; registering each would take its time. */
  function crowd(m: TestManager, like: Agent, differently: Partial<Agent>): void {
    for (let number = 0; m.state.agents.size < AGENTS_MAX; number += 1) {
      const address = `127.1.${number >> 8}.${number & 255}`;
      m.state.agents.set(address, {
        ...like,
        key: address,
        address,
        number: 1000 + number,
        instances: new Set(),
        ...differently,
      });
    }
  }

  it(`knows at most ${AGENTS_MAX} agents: the next is told 503, which it tries again later`, () => {
    const { m, agent } = smallCluster();
    crowd(m, m.state.agents.get('127.0.0.11') as Agent, { connection: null });
    const late = m.open('127.0.0.12');
    m.register(late, '127.0.0.12', ['gate']);
    expect(m.one('initiation_response')).to.include({ on: late, status: 503 });
    expect(m.state.agents.size).to.equal(AGENTS_MAX);
    expect(m.events().join()).to.include(`${AGENTS_MAX} agents are known`);
    m.register(agent, '127.0.0.11', ['gate']);
    expect(m.one('initiation_response').status, 'who is known may come again').to.equal(200);
  });

  it('one that was lost and left nothing behind makes room; one that has instances does not', () => {
    const { m, agent } = smallCluster();
    const first = m.state.agents.get('127.0.0.11') as Agent;
    m.closeConnection(agent);
    m.pass(m.state.timers.lostMs + 2 * m.state.timers.heartbeatMs);
    expect(first).to.include({ status: 'lost', connection: null });
    expect(first.instances.size).to.be.greaterThan(0);
    crowd(m, first, { status: 'lost', connection: null });
    m.register(m.open('127.0.0.12'), '127.0.0.12', ['gate']);
    expect(m.one('initiation_response').status).to.equal(200);
    expect(m.state.agents.size).to.equal(AGENTS_MAX);
    expect([...m.state.agents.keys()]).to.include.members(['127.0.0.11', '127.0.0.12']);
    expect(m.state.agents.has('127.1.0.0'), 'the first that was lost is forgotten').to.equal(false);
  });

  it('R16 a connection speaks for one agent: it cannot register as another', () => {
    const m = new TestManager(undefined, { sharedAddress: true });
    const connection = m.open('127.0.0.1');
    m.register(connection, '127.0.0.1', [], { x_node: 'a' });
    m.register(connection, '127.0.0.1', [], { x_node: 'b' });
    expect(m.one('initiation_response').status).to.equal(409);
    expect([...m.state.agents.keys()]).to.deep.equal(['127.0.0.1#a']);
    m.register(connection, '127.0.0.1', [], { x_node: 'a' });
    expect(m.one('initiation_response').status).to.equal(200);
  });
});
