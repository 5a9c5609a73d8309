/** The link to the agent: hello, reconnect, what is said again, the orphan. */
import { expect } from 'chai';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import { instanceMachine } from '../../../services/kit/core/step.ts';
import { ADDRESS, OTHER, TestInstance } from './test-instance.ts';

const HELLO =
  'type: service_instance_health_response ~ message_id: 1 ~ sub_type: service_instance_to_agent ~ service_instance_id: 7 ~ status: 200';

describe('kit: link to the agent', () => {
  it('connects at once, before the sockets listen', () => {
    const instance = new TestInstance();
    instance.input({ kind: 'started' });
    expect(instance.effects).to.deep.equal([{ kind: 'connect_agent' }]);
    expect(instance.input({ kind: 'started' })).to.deep.equal([]);
  });

  it('R25 says hello once all sockets listen, whichever comes first, and not before', () => {
    const early = new TestInstance();
    early.input({ kind: 'started' });
    expect(early.input({ kind: 'agent_connected' })).to.deep.equal([]);
    early.input({ kind: 'listening' });
    expect(early.lines).to.deep.equal([HELLO]);
    expect(early.input({ kind: 'listening' })).to.deep.equal([]);

    const late = new TestInstance();
    late.input({ kind: 'started' });
    expect(late.input({ kind: 'listening' })).to.deep.equal([]);
    late.input({ kind: 'agent_connected' });
    expect(late.lines).to.deep.equal([HELLO]);
  });

  it('R25 says hello again after every reconnect, first', () => {
    const instance = new TestInstance().begin();
    instance.open();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(DEFAULT_TIMERS.reconnectFirstMs);
    expect(instance.did('connect_agent')).to.have.length(1);
    instance.input({ kind: 'agent_connected' });
    expect(instance.lines[0]).to.equal(HELLO);
  });

  it('tries again after 50 ms, then up to 250 ms, with chance in between', () => {
    const pauses = (jitter: number): number[] => {
      const instance = new TestInstance();
      instance.input({ kind: 'started' });
      return Array.from({ length: 5 }, () => {
        instance.input({ kind: 'agent_closed', why: 'refused', jitter });
        const from = instance.at;
        while (instance.wait(1).length === 0);
        return instance.at - from;
      });
    };
    expect(pauses(0)).to.deep.equal([50, 50, 50, 50, 50]);
    expect(pauses(1)).to.deep.equal([100, 200, 250, 250, 250]);
    expect(pauses(0.5)).to.deep.equal([75, 125, 150, 150, 150]);
    expect(pauses(NaN)).to.deep.equal([50, 50, 50, 50, 50]);
  });

  it('begins with 50 ms again after it was connected', () => {
    const instance = new TestInstance().begin();
    for (let n = 0; n < 2; n += 1) {
      instance.input({ kind: 'agent_closed', why: 'reset', jitter: 1 });
      expect(instance.wait(99), 'a pause of 100 ms').to.deep.equal([]);
      expect(instance.wait(1)).to.deep.equal([{ kind: 'connect_agent' }]);
      instance.input({ kind: 'agent_connected' });
    }
  });

  it('R45 a health request that was lost with the agent does not keep the next one from being answered', () => {
    const instance = new TestInstance().begin();
    instance.health(30004);
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(50);
    instance.input({ kind: 'agent_connected' });
    expect(instance.health(30005)).to.deep.equal([{ kind: 'measure' }]);
    instance.input({ kind: 'measured', load: { utilization: 0, lagMs: 0, inFlight: 0, requests: 0 } });
    expect(instance.sent('service_instance_health_response').map(({ message_id }) => message_id)).to.deep.equal([
      30005,
    ]);
  });

  it('R39 acknowledges its live sessions again after a reconnect, with the same message_id and port', () => {
    const instance = new TestInstance().begin();
    instance.open();
    const first = instance.lines;
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    expect(first.at(-1)).to.match(/^type: session_ack ~ message_id: 1000 /);
    expect(instance.lines).to.deep.equal([HELLO, first.at(-1)]);
  });

  it('R43 keeps reports while it has no agent, and sends them after the reconnect, after the acks', () => {
    const instance = new TestInstance().begin();
    const gone = instance.open();
    const live = instance.open();
    instance.accept();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.input({ kind: 'session_ended', side: 'source', key: gone, clean: false });
    instance.input({ kind: 'session_ended', side: 'dest', key: '127.0.49.12:20001-127.0.49.11:54001', clean: true });
    expect(instance.lines).to.deep.equal([]);
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    const types = instance.lines.map((line) => /^type: (\S+)/.exec(line)?.[1]);
    expect(types).to.deep.equal([
      'service_instance_health_response',
      'session_ack',
      'source_service_session_close_info',
      'dest_service_session_close_info',
    ]);
    expect(instance.sent('session_ack')[0]?.source_plug_port).to.equal(
      instance.state.sources.get(live)?.granted.sourcePort,
    );
    expect(instance.sent('source_service_session_close_info')[0]?.status).to.equal(122);
    // Whether the agent had read them when the connection broke, nobody knows: again.
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    expect(instance.lines).to.have.length(4);
    // Its agent was heard a while after, and may have had no Manager to give them to: again.
    instance.wait(DEFAULT_TIMERS.lostMs - 100);
    instance.health();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    expect(instance.lines).to.have.length(4);
    // The Manager asked so long after that it has them: the next reconnect says nothing about them.
    instance.wait(DEFAULT_TIMERS.lostMs + DEFAULT_TIMERS.suspectMs);
    instance.health();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    expect(instance.lines).to.have.length(2);
  });

  it('R43 keeps the latest 4096 reports', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    // Not through the test's instance, which would send this growing state through JSON again and again.
    const { state, at } = instance;
    for (let sourcePort = 1; sourcePort <= 4100; sourcePort += 1) {
      const socket = { socket: 'post-socket', sourceAddress: OTHER, sourcePort, destPort: 54001 };
      instanceMachine.step(state, { kind: 'session_accepted', at, ...socket });
      const key = `${OTHER}:${sourcePort}-${ADDRESS}:54001`;
      instanceMachine.step(state, { kind: 'session_ended', at, side: 'dest', key, clean: true });
    }
    instance.wait(50);
    instance.input({ kind: 'agent_connected' });
    const ports = instance.sent('dest_service_session_close_info').map(({ source_plug_port }) => source_plug_port);
    expect(ports).to.have.length(4096);
    expect([ports[0], ports.at(-1)]).to.deep.equal([5, 4100]);
  });

  it('asks again, with another id, for a session whose request was lost with the agent', () => {
    const instance = new TestInstance().begin();
    expect(instance.need()).to.equal(1000);
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(60);
    instance.input({ kind: 'agent_connected' });
    expect(instance.sent('session_request').map(({ message_id }) => message_id)).to.deep.equal([1001]);
    // The grant for the lost one, should it still come, is acknowledged as no connection.
    instance.grant(1000);
    expect(instance.sent('session_ack').map(({ message_id, status }) => [message_id, status])).to.deep.equal([
      [1000, 504],
    ]);
  });

  it('R47 without an agent for 60 s it drains and ends', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(DEFAULT_TIMERS.orphanMs - 1);
    expect(instance.state.ending).to.equal(null);
    instance.wait(1);
    expect(instance.did('stop_listening')).to.have.length(1);
  });

  it('R47 the 60 s count anew after a reconnect, and from the start where there never was an agent', () => {
    const back = new TestInstance().begin();
    back.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    back.wait(59_000);
    back.input({ kind: 'agent_connected' });
    back.wait(DEFAULT_TIMERS.orphanMs);
    expect(back.state.ending).to.equal(null);

    const never = new TestInstance();
    never.input({ kind: 'started' });
    never.input({ kind: 'agent_closed', why: 'refused', jitter: 0 });
    never.wait(DEFAULT_TIMERS.orphanMs);
    expect(never.state.ending).to.not.equal(null);
  });

  it('R46 its timers are the table’s, scaled by one factor', () => {
    const instance = new TestInstance({ timerScale: 0.1 }).begin();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(5);
    expect(instance.did('connect_agent')).to.have.length(1);
    instance.input({ kind: 'agent_closed', why: 'refused', jitter: 0 });
    instance.wait(6000);
    expect(instance.state.ending).to.not.equal(null);
  });
});
