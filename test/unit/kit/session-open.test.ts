/** Opening a session: request, response, dial, acknowledgement, and every way it can fail. */
import { expect } from 'chai';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import {
  SOURCE_PORT_FIRST,
  SOURCE_PORT_LAST,
  SOURCE_PORT_TRIES_MAX,
  firstSourcePort,
  nextSourcePort,
} from '../../../services/kit/core/ports.ts';
import { ADDRESS, OTHER, TestInstance } from './test-instance.ts';

describe('kit: opening a session', () => {
  it('asks with the plug’s own names, dials what was granted, acknowledges with one message_id (R10: from 1000)', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'session_needed', plug: 'posts-plug' });
    expect(instance.lines).to.deep.equal([
      `type: session_request ~ message_id: 1000 ~ sub_type: service_to_agent ~ source_service_name: post ~ source_service_instance_id: 7 ~ source_service_instance_network_address: ${ADDRESS} ~ source_plug_name: posts-plug ~ dest_service_name: posts-db ~ dest_socket_name: posts-socket`,
    ]);
    instance.grant(1000);
    expect(instance.effects).to.deep.equal([
      { kind: 'dial', opening: 1000, sourcePort: 20448, destAddress: OTHER, destPort: 54002 },
    ]);
    instance.input({ kind: 'dialed', opening: 1000 });
    expect(instance.effects).to.deep.equal([
      { kind: 'use_session', opening: 1000, plug: 'posts-plug', key: `${ADDRESS}:20448-${OTHER}:54002` },
      {
        kind: 'send',
        line: 'type: session_ack ~ message_id: 1000 ~ sub_type: service_to_agent ~ source_service_name: post ~ source_service_instance_id: 7 ~ source_plug_port: 20448 ~ dest_socket_new_port: 54002 ~ status: 200',
      },
    ]);
  });

  it('asks once, however often the plug says that it needs a session', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    expect(instance.input({ kind: 'session_needed', plug: 'posts-plug' })).to.deep.equal([]);
    instance.grant(id);
    expect(instance.input({ kind: 'session_needed', plug: 'posts-plug' })).to.deep.equal([]);
    expect(instance.input({ kind: 'session_needed', plug: 'no-such-plug' })).to.deep.equal([]);
  });

  it('asks as soon as there is an agent when there was none', () => {
    const instance = new TestInstance();
    instance.input({ kind: 'started' });
    expect(instance.input({ kind: 'session_needed', plug: 'posts-plug' })).to.deep.equal([]);
    instance.input({ kind: 'agent_connected' });
    expect(instance.sent('session_request')).to.have.length(1);
  });

  it('R19 a session is known by its four numbers, IPv6 in brackets', () => {
    const instance = new TestInstance({ address: 'fd55::11' }).begin();
    const id = instance.need();
    instance.grant(id, { dest_service_instance_network_address: 'fd55::12' });
    instance.input({ kind: 'dialed', opening: id });
    expect(instance.did('use_session')[0]?.key).to.equal('[fd55::11]:20448-[fd55::12]:54002');
  });

  it('R22 takes source ports from 20000 to 31999, and the next one when one is in use', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id);
    expect(instance.did('dial')[0]?.sourcePort).to.equal(20448);
    instance.input({ kind: 'dial_failed', opening: id, why: 'port_in_use' });
    expect(instance.did('dial')[0]?.sourcePort).to.equal(20449);
    expect(instance.sent('session_ack')).to.deep.equal([]);
    instance.input({ kind: 'dialed', opening: id });
    expect(instance.sent('session_ack')[0]?.source_plug_port).to.equal(20449);

    for (const instanceId of [1, 187, 188, 1_000_000, Number.MAX_SAFE_INTEGER])
      expect(firstSourcePort(instanceId)).to.be.within(SOURCE_PORT_FIRST, SOURCE_PORT_LAST);
    expect(nextSourcePort(SOURCE_PORT_LAST)).to.equal(SOURCE_PORT_FIRST);
  });

  it('R22 R33 gives up a grant after 64 ports that are all in use, with 502', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id);
    for (let tries = 1; tries < SOURCE_PORT_TRIES_MAX; tries += 1) {
      instance.input({ kind: 'dial_failed', opening: id, why: 'port_in_use' });
      expect(instance.did('dial')).to.have.length(1);
    }
    instance.input({ kind: 'dial_failed', opening: id, why: 'port_in_use' });
    expect(instance.sent('session_ack').map(({ status }) => status)).to.deep.equal([502]);
  });

  it('R33 a refused connection is acknowledged with 502 and an empty port, and the plug asks again at once', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id);
    instance.input({ kind: 'dial_failed', opening: id, why: 'refused' });
    const [ack] = instance.sent('session_ack');
    expect(ack).to.include({ message_id: id, status: 502, source_plug_port: null, dest_socket_new_port: 54002 });
    expect(instance.did('check_need')).to.deep.equal([{ kind: 'check_need', plug: 'posts-plug' }]);
    expect(instance.need()).to.equal(id + 1);
  });

  it('R33 a connection that does not come about in time is acknowledged with 504, well before the Manager’s 5 s', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id);
    expect(DEFAULT_TIMERS.dialMs).to.be.below(DEFAULT_TIMERS.ackMs);
    instance.wait(DEFAULT_TIMERS.dialMs);
    expect(instance.did('abandon_dial')).to.deep.equal([{ kind: 'abandon_dial', opening: id }]);
    expect(instance.sent('session_ack').map(({ status }) => status)).to.deep.equal([504]);
    expect(instance.input({ kind: 'dialed', opening: id })).to.deep.equal([]);

    const other = instance.need();
    instance.grant(other);
    instance.input({ kind: 'dial_failed', opening: other, why: 'timeout' });
    expect(instance.sent('session_ack').map(({ status }) => status)).to.deep.equal([504]);
  });

  it('R37 503 and 504 (and 409, 429): asks again, after 0, 50, 100 … 1000 ms, for as long as requests wait', () => {
    const instance = new TestInstance().begin();
    const pauses: number[] = [];
    instance.grant(instance.need(), { status: 503 });
    expect(instance.did('check_need'), 'the first time at once').to.have.length(1);
    for (const status of [504, 409, 429, 500, 503, 503, 503]) {
      instance.grant(instance.need(), { status, dest_service_instance_network_address: null, dest_socket_port: null });
      expect(instance.did('no_session')[0]?.final, String(status)).to.equal(false);
      expect(instance.sent('session_ack'), 'a refusal is not acknowledged').to.deep.equal([]);
      // In the pause nothing is sent, whoever asks.
      expect(instance.input({ kind: 'session_needed', plug: 'posts-plug' })).to.deep.equal([]);
      const from = instance.at;
      for (let effects = instance.wait(0); effects.length === 0;) effects = instance.wait(1);
      expect(instance.did('check_need')).to.have.length(1);
      pauses.push(instance.at - from);
    }
    expect(pauses).to.deep.equal([50, 100, 200, 400, 800, 1000, 1000]);
    // Nobody waits any more: nothing is asked.
    expect(instance.wait(60_000).filter(({ kind }) => kind === 'send')).to.deep.equal([]);
  });

  it('503 with x_retry_after: what waits fails at once and is told when; so does what comes in the next second', () => {
    const instance = new TestInstance().begin();
    instance.grant(instance.need(), { status: 503, x: { x_retry_after: '25849' } });
    expect(instance.did('no_session')).to.have.length(1);
    expect(instance.did('no_session')[0]).to.include({ final: true, retryAfterMs: 25_849 });
    instance.wait(400);
    instance.input({ kind: 'session_needed', plug: 'posts-plug' });
    expect(instance.sent('session_request')).to.deep.equal([]);
    expect(instance.did('no_session')[0]).to.include({ final: true, retryAfterMs: 25_449 });
    // Perhaps somebody has repaired it before its time: a second later the Manager is asked again.
    instance.wait(DEFAULT_TIMERS.sessionRetryMostMs);
    const id = instance.need();
    // It is tried just now: this one waits, and so does what comes meanwhile.
    instance.input({ kind: 'session_needed', plug: 'posts-plug' });
    expect(instance.did('no_session')).to.deep.equal([]);
    instance.grant(id);
    instance.input({ kind: 'dialed', opening: id });
    expect(instance.did('use_session')).to.have.length(1);
  });

  it('503 with x_retry_after below a second: the Manager is asked again when it has passed', () => {
    const instance = new TestInstance().begin();
    instance.grant(instance.need(), { status: 503, x: { x_retry_after: '300' } });
    instance.wait(299);
    instance.input({ kind: 'session_needed', plug: 'posts-plug' });
    expect(instance.did('no_session')[0]).to.include({ final: true, retryAfterMs: 1 });
    instance.wait(1);
    expect(instance.need()).to.be.greaterThan(0);
  });

  it('503 with an x_retry_after that cannot be read: asks again, as without it', () => {
    for (const text of ['', '0', '-5', 'soon', '99999999999999']) {
      const instance = new TestInstance().begin();
      instance.grant(instance.need(), { status: 503, x: { x_retry_after: text } });
      expect(instance.did('no_session')[0]?.final, text).to.equal(false);
    }
  });

  it('503 with x_retry_after fails nothing while another session of the plug serves', () => {
    const instance = new TestInstance().begin();
    instance.open();
    instance.grant(instance.need(), { status: 503, x: { x_retry_after: '25849' } });
    expect(instance.did('no_session')[0]?.final).to.equal(false);
    instance.wait(0);
    instance.need();
    expect(instance.did('no_session')).to.deep.equal([]);
  });

  it('a session that was opened ends the row of failures', () => {
    const instance = new TestInstance().begin();
    for (let n = 0; n < 3; n += 1) {
      instance.grant(instance.need(), { status: 503 });
      instance.wait(1000);
    }
    instance.open();
    instance.grant(instance.need(), { status: 503 });
    expect(instance.did('no_session')[0]?.retryAfterMs).to.equal(0);
  });

  it('R38 403 and 404 fail the waiting requests at once: there will be no session', () => {
    for (const status of [400, 403, 404]) {
      const instance = new TestInstance().begin();
      instance.grant(instance.need(), { status });
      const [refused] = instance.did('no_session');
      expect(refused?.final).to.equal(true);
      expect(refused?.why).to.contain(`session_response ${status}`);
      expect(instance.wait(5000)).to.deep.equal([]);
    }
  });

  it('a grant without an address is acknowledged with 502', () => {
    const instance = new TestInstance().begin();
    instance.grant(instance.need(), { dest_socket_port: null });
    expect(instance.sent('session_ack').map(({ status }) => status)).to.deep.equal([502]);
    expect(instance.state.openings.size).to.equal(0);
  });

  it('leaves no deadline behind, whatever came of a request', () => {
    const instance = new TestInstance().begin();
    instance.grant(instance.need(), { status: 403 });
    instance.grant(instance.need(), { status: 503 });
    const refused = instance.need();
    instance.grant(refused);
    instance.input({ kind: 'dial_failed', opening: refused, why: 'refused' });
    instance.wait(50);
    expect(instance.state.deadlines.size).to.equal(0);
  });

  it('remembers the latest 64 of the requests it gave up', () => {
    const instance = new TestInstance().begin();
    for (let n = 0; n < 70; n += 1) {
      instance.need();
      instance.wait(DEFAULT_TIMERS.sessionRequestMs + DEFAULT_TIMERS.sessionRetryMostMs);
    }
    expect([...instance.state.abandoned]).to.deep.equal(Array.from({ length: 64 }, (_, n) => 1006 + n));
  });

  it('no session_response within 15 s: asks again with another id; a late grant is acknowledged with 504', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.wait(DEFAULT_TIMERS.sessionRequestMs);
    expect(instance.did('check_need')).to.have.length(1);
    const next = instance.need();
    expect(next).to.equal(id + 1);
    instance.grant(id);
    expect(instance.sent('session_ack').map(({ message_id, status }) => [message_id, status])).to.deep.equal([
      [id, 504],
    ]);
    expect(instance.grant(id), 'once').to.deep.equal([]);
    instance.grant(next);
    expect(instance.did('dial')).to.have.length(1);
  });

  it('a late refusal and an answer to nothing are ignored', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.wait(DEFAULT_TIMERS.sessionRequestMs);
    expect(instance.grant(id, { status: 503 })).to.deep.equal([]);
    expect(instance.grant(4711)).to.deep.equal([]);
    const open = instance.need();
    instance.grant(open);
    expect(instance.grant(open), 'a second grant').to.deep.equal([]);
  });
});
