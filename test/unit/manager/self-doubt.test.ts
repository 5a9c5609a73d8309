/** Many nodes vanish together: the Manager suspects itself and replaces nothing (R46, the rulings' timers). */
import { expect } from 'chai';
import type { ManagerEffect } from '../../../manager/core/effects.ts';
import { nodesView } from '../../../manager/core/views.ts';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import { sessionAck, sessionRequest, TestManager } from './harness.ts';

const ALL = ['gate', 'front', 'side', 'store'];
const { suspectMs, lostMs } = DEFAULT_TIMERS;

/** A Manager with so many nodes; everything runs on node 1, as it came first. */
function cluster(nodes: number): { m: TestManager; connections: number[] } {
  const m = new TestManager();
  const connections: number[] = [];
  for (let n = 1; n <= nodes; n += 1) {
    const connection = m.open(address(n));
    connections.push(connection);
    const effects = m.register(connection, address(n), ALL, { x_node: `n${n}` });
    for (const { on, message_id } of m.sent('execution_request', effects)) m.started(on, message_id);
  }
  return { m, connections };
}

function address(n: number): string {
  return `127.0.0.${10 + n}`;
}

/** The nodes' connections break, all at once, and nothing comes back. */
function vanish(m: TestManager, connections: readonly (number | undefined)[]): void {
  for (const connection of connections) m.closeConnection(connection as number);
}

function starts(m: TestManager, effects: readonly ManagerEffect[]): string[] {
  return m.sent('execution_request', effects).map(({ service_name }) => service_name);
}

function statuses(m: TestManager): string[] {
  return nodesView(m.state).map(({ status, held }) => `${String(status)}${held === null ? '' : ', held'}`);
}

describe('too many nodes vanish', () => {
  it('R46 two of three at once: nothing is replaced, for as long as it takes, and the history says why', () => {
    const { m, connections } = cluster(3);
    vanish(m, connections.slice(0, 2));
    const effects = m.pass(10 * lostMs);
    expect(starts(m, effects)).to.deep.equal([]);
    expect(statuses(m)).to.deep.equal(['suspect, held', 'suspect, held', 'registered']);
    const said = m.events(effects).filter((text) => text.includes('suspects itself'));
    expect(said).to.have.length(1);
    expect(said[0])
      .to.include('2 of 3 nodes vanished within 5000 ms, more than 55 %')
      .and.to.include("'ssmmp confirm-lost'");
  });

  it('R46 one of three, and two of four, are replaced: 55 % is the limit', () => {
    for (const [nodes, gone] of [
      [3, 1],
      [4, 2],
    ] as const) {
      const { m, connections } = cluster(nodes);
      vanish(m, connections.slice(0, gone));
      const effects = m.pass(lostMs);
      expect(starts(m, effects), `${gone} of ${nodes}`).to.deep.equal(['gate', 'store']);
      expect(m.state.doubt).to.equal(null);
    }
  });

  it('R46 of two nodes one, or both, are lost as ever: three is the fewest', () => {
    const { m, connections } = cluster(2);
    vanish(m, connections);
    m.pass(lostMs);
    expect(statuses(m)).to.deep.equal(['lost', 'lost']);
  });

  it('R46 nodes that go more than 5 s apart are replaced one after the other', () => {
    const { m, connections } = cluster(3);
    vanish(m, connections.slice(0, 1));
    const first = m.pass(lostMs + 100);
    expect(starts(m, first)).to.deep.equal(['gate', 'store']);
    for (const { on, message_id } of m.sent('execution_request', first)) m.started(on, message_id);
    vanish(m, connections.slice(1, 2));
    m.pass(2 * lostMs);
    expect(statuses(m)).to.deep.equal(['lost', 'lost', 'registered']);
  });

  it('R46 nodes that go within 5 s count together, also when the first is lost by then', () => {
    const { m, connections } = cluster(5);
    vanish(m, connections.slice(0, 1));
    m.pass(2000);
    vanish(m, connections.slice(1, 2));
    m.pass(2000);
    vanish(m, connections.slice(2, 3));
    m.pass(10 * lostMs);
    expect(statuses(m)).to.deep.equal(['lost', 'suspect, held', 'suspect, held', 'registered', 'registered']);
  });

  it('R46 they return: the Manager trusts itself, their instances are on again, nothing was started twice', () => {
    const { m, connections } = cluster(3);
    vanish(m, connections.slice(0, 2));
    m.pass(4 * lostMs);
    const since = m.now;
    const back = m.open(address(1));
    const effects = m.register(back, address(1), ALL, { x_node: 'n1', x_running_instances: '1, 2' });
    expect(m.events(effects).join('\n')).to.include('trusts itself again: 2 nodes are there, 1 away');
    expect([...m.state.instances.values()].map(({ status }) => status)).to.deep.equal(['on', 'on']);
    expect(starts(m, effects)).to.deep.equal([]);
    m.pass(since + lostMs - m.now - 1);
    expect(statuses(m), 'the last to return may come a moment later').to.deep.equal([
      'registered',
      'suspect',
      'registered',
    ]);
    m.pass(1);
    expect(statuses(m), 'one that does not return is lost in its time').to.deep.equal([
      'registered',
      'lost',
      'registered',
    ]);
  });

  it('R46 all return, one after the other: nothing of the last one is replaced either', () => {
    const { m, connections } = cluster(3);
    vanish(m, connections);
    m.pass(2 * lostMs);
    for (const n of [3, 2, 1]) {
      const running = n === 1 ? '1, 2' : '';
      const effects = m.register(m.open(address(n)), address(n), ALL, {
        x_node: `n${n}`,
        x_running_instances: running,
      });
      expect(starts(m, effects)).to.deep.equal([]);
      m.pass(lostMs / 2);
    }
    expect(statuses(m)).to.deep.equal(['registered', 'registered', 'registered']);
    expect([...m.state.instances.keys()]).to.deep.equal([1, 2]);
  });

  it('R46 an operator says that they are gone: they are lost and replaced at once, and have to register again', () => {
    const { m, connections } = cluster(3);
    vanish(m, connections.slice(1, 2));
    // Node 1 is only silent: its connection stands.
    m.agentsAnswer = false;
    m.pass(suspectMs);
    m.say(connections[2] as number, {
      type: 'agent_health_control_response',
      message_id: 1,
      sub_type: 'agent_to_Manager',
      agent_network_address: address(3),
      status: 200,
    });
    expect(statuses(m)).to.deep.equal(['suspect, held', 'suspect, held', 'registered']);
    const effects = m.command(7, { command: 'confirm-lost', node: null });
    expect(effects.find(({ kind }) => kind === 'reply')).to.deep.include({ request: 7, status: 200 });
    expect(statuses(m)).to.deep.equal(['lost', 'lost', 'registered']);
    expect(starts(m, effects)).to.deep.equal(['gate', 'store']);
    expect(m.events(effects).join('\n')).to.include('lost: the operator says so').and.to.include('trusts itself again');
    expect(effects.filter(({ kind }) => kind === 'close')).to.have.length(1);
  });

  it('confirm-lost of one node; of one that is there, of one nobody knows, and when none is away', () => {
    const { m, connections } = cluster(3);
    const reply = (node: string | null): unknown => m.command(8, { command: 'confirm-lost', node })[0];
    expect(reply(null)).to.deep.include({ kind: 'reply', status: 409 });
    expect(reply('1')).to.deep.include({ kind: 'reply', status: 409 });
    expect(reply('9')).to.deep.include({ kind: 'reply', status: 404 });
    vanish(m, connections.slice(0, 1));
    m.pass(2000);
    const effects = m.command(9, { command: 'confirm-lost', node: address(1) });
    expect(statuses(m), 'before its five seconds are over').to.deep.equal(['lost', 'registered', 'registered']);
    expect(starts(m, effects)).to.deep.equal(['gate', 'store']);
  });

  it('R49 R46 a Manager that comes back alone suspects itself after the grace, also one that did so before', () => {
    const { m } = cluster(3);
    for (let round = 1; round <= 2; round += 1) {
      m.restart();
      const here = m.open(address(3));
      m.register(here, address(3), ALL, { x_node: 'n3', x_running_instances: '' });
      const effects = m.pass(5 * lostMs);
      expect(starts(m, effects)).to.deep.equal([]);
      expect(statuses(m)).to.deep.equal(['unknown, held', 'unknown, held', 'registered']);
    }
  });

  it('after an ordered stop fewer nodes may be started: nobody is missed', () => {
    const { m, connections } = cluster(3);
    m.command(1, { command: 'shutdown' });
    for (let round = 1; round <= 4; round += 1)
      for (const { on, message_id } of m.sent('graceful_shutdown_request'))
        m.say(on, { type: 'graceful_shutdown_response', message_id, sub_type: 'agent_to_Manager', status: 200 });
    expect(m.state.instances.size, 'all are off').to.equal(0);
    vanish(m, connections);
    m.restart();
    m.register(m.open(address(1)), address(1), ALL, { x_node: 'n1', x_running_instances: '' });
    m.pass(2 * lostMs);
    expect(m.state.doubt).to.equal(null);
    expect(statuses(m)).to.deep.equal(['registered', 'lost', 'lost']);
  });

  it('the Manager itself slept: nothing is lost at once, what it finds in its sockets counts', () => {
    const { m, connections } = cluster(3);
    m.now += 60_000;
    m.agentsAnswer = false;
    const woken = m.input({ kind: 'tick' });
    expect(statuses(m)).to.deep.equal(['suspect, held', 'suspect, held', 'suspect, held']);
    expect(starts(m, woken)).to.deep.equal([]);
    m.agentsAnswer = true;
    for (const connection of connections) m.say(connection, sessionRequest(5, ['nobody', 99], 'p', 's', 'store'));
    expect(statuses(m)).to.deep.equal(['registered', 'registered', 'registered']);
    expect(m.state.doubt).to.equal(null);
  });

  it('silence is judged when it has lasted, not on the next beat only', () => {
    const { m, connections } = cluster(3);
    m.pass(777);
    const heard = m.state.agents.get(address(1))?.lastHeard as number;
    vanish(m, connections.slice(0, 1));
    m.pass(heard + suspectMs - m.now - 1);
    expect(statuses(m)[0]).to.equal('registered');
    m.pass(1);
    expect(statuses(m)[0]).to.equal('suspect');
    m.pass(lostMs - suspectMs - 1);
    expect(statuses(m)[0]).to.equal('suspect');
    m.pass(1);
    expect(statuses(m)[0]).to.equal('lost');
  });

  it('a node that is lost is told so: it would answer for ever on a connection that works in one direction only', () => {
    const { m, connections } = cluster(3);
    m.mute.add(connections[0] as number);
    const effects = m.pass(lostMs + 500).filter(({ kind }) => kind === 'close');
    expect(effects).to.have.length(1);
    expect(effects[0]).to.deep.include({ kind: 'close', connection: connections[0] });
  });

  it('R45 R46 a lost node breaks no connection: the other ends of its sessions are told to close them', () => {
    const { m, connections } = cluster(3);
    const [one, two] = connections as [number, number];
    // The gateway on node 1 has a session to front on node 2; then node 2 is silent.
    m.say(one, sessionRequest(1000, ['gate', 1], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    expect(start.on).to.equal(two);
    m.started(two, start.message_id);
    const granted = m.one('session_response');
    m.say(one, sessionAck(1000, ['gate', 1], 20_000, granted.dest_socket_port as number));
    expect(m.state.sessions.size).to.equal(1);
    m.mute.add(two);
    const effects = m.pass(lostMs + 500);
    const close = m.one('source_service_session_close_request', effects);
    expect(close.on).to.equal(one);
    m.say(one, {
      type: 'source_service_session_close_response',
      message_id: close.message_id,
      sub_type: 'agent_to_Manager',
      status: 200,
    });
    expect(m.state.sessions.size).to.equal(0);
    expect(m.sent('dest_service_session_close_request', effects), 'nobody asks the node that is lost').to.deep.equal(
      [],
    );
  });
});
