/** The end of an instance: asked for by the Manager, by a person, or without an agent. */
import { expect } from 'chai';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import { TestInstance } from './test-instance.ts';

const RESPONSE =
  'type: graceful_shutdown_response ~ message_id: 30003 ~ sub_type: service_instance_to_agent ~ status: 200';

describe('kit: graceful shutdown', () => {
  it('R31 stops the sockets, lets the service stop, answers 200 as the last thing, ends with 0', () => {
    const instance = new TestInstance().begin();
    instance.graceful();
    expect(instance.effects.filter(({ kind }) => kind !== 'log')).to.deep.equal([{ kind: 'stop_listening' }]);
    instance.input({ kind: 'users_drained' });
    expect(instance.effects).to.deep.equal([{ kind: 'stop_service' }]);
    instance.input({ kind: 'service_stopped' });
    expect(instance.effects).to.deep.equal([
      { kind: 'send', line: RESPONSE },
      { kind: 'exit', code: 0 },
    ]);
    expect(instance.input({ kind: 'service_stopped' })).to.deep.equal([]);
  });

  it('another instance’s shutdown is 404 and changes nothing', () => {
    const instance = new TestInstance().begin();
    instance.graceful(30003, 8);
    expect(instance.sent('graceful_shutdown_response').map(({ status }) => status)).to.deep.equal([404]);
    expect(instance.state.ending).to.equal(null);
  });

  it('R32 sessions that are still there are drained first: callers, then own ones, then the service stops', () => {
    const instance = new TestInstance().begin();
    const plug = instance.open();
    const socket = instance.accept();
    instance.graceful();
    expect(instance.did('drain')).to.deep.equal([{ kind: 'drain', side: 'dest', key: socket }]);
    instance.input({ kind: 'users_drained' });
    expect(instance.did('drain')).to.deep.equal([]);
    instance.drained('dest', socket);
    expect(instance.did('drain')).to.deep.equal([{ kind: 'drain', side: 'source', key: plug }]);
    expect(instance.did('stop_service')).to.deep.equal([]);
    instance.drained('source', plug);
    expect(instance.did('stop_service')).to.have.length(1);
    instance.input({ kind: 'service_stopped' });
    expect(instance.lines.at(-1)).to.equal(RESPONSE);
  });

  it('the Manager’s close requests are still answered meanwhile', () => {
    const instance = new TestInstance().begin();
    const key = instance.accept();
    instance.graceful();
    instance.closeDest();
    instance.drained('dest', key);
    expect(instance.sent('dest_service_session_close_response').map(({ status }) => status)).to.deep.equal([200]);
    expect(instance.sent('dest_service_session_close_info')).to.deep.equal([]);
  });

  it('R31 hanging callers, sessions and services are not waited for longer than the Manager waits', () => {
    const instance = new TestInstance().begin();
    instance.open();
    instance.accept();
    instance.graceful();
    const from = instance.at;
    const kinds: string[] = [];
    while (instance.state.ending?.phase !== 'over') kinds.push(...instance.wait(10).map(({ kind }) => kind));
    expect(instance.at - from).to.be.at.most(DEFAULT_TIMERS.gracefulMs);
    expect(kinds).to.include.members(['close_users', 'close_session', 'stop_service', 'exit']);
    expect(instance.lines.at(-1)).to.equal(RESPONSE);
  });

  it('a caller’s request may still open a session; afterwards what waits fails at once', () => {
    const instance = new TestInstance().begin();
    const key = instance.accept();
    instance.graceful();
    instance.open();
    instance.input({ kind: 'users_drained' });
    instance.drained('dest', key);
    instance.input({ kind: 'session_needed', plug: 'posts-plug' });
    expect(instance.did('no_session')[0]?.final).to.equal(true);
    expect(instance.sent('session_request')).to.deep.equal([]);
  });

  it('a session accepted at the last moment is drained like the others', () => {
    const instance = new TestInstance().begin();
    instance.graceful();
    const key = instance.accept();
    expect(instance.did('drain')).to.deep.equal([{ kind: 'drain', side: 'dest', key }]);
  });

  it('a session that is being opened is given up, and the Manager told', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id);
    instance.graceful();
    instance.input({ kind: 'users_drained' });
    expect(instance.did('abandon_dial')).to.have.length(1);
    expect(instance.state.openings.size).to.equal(0);
    expect(instance.sent('session_ack').map(({ status }) => status)).to.deep.equal([504]);
    expect(instance.did('stop_service')).to.have.length(1);
  });

  it('asked twice, it answers twice', () => {
    const instance = new TestInstance().begin();
    instance.graceful(30003);
    instance.graceful(30007);
    instance.input({ kind: 'users_drained' });
    instance.input({ kind: 'service_stopped' });
    expect(instance.sent('graceful_shutdown_response').map(({ message_id }) => message_id)).to.deep.equal([
      30003, 30007,
    ]);
  });
});

describe('kit: an end nobody of SSMMP asked for', () => {
  it('SIGTERM: drains, reports its sessions, sends service_instance_termination_info last, ends with 0', () => {
    const instance = new TestInstance().begin();
    const plug = instance.open();
    const socket = instance.accept();
    instance.input({ kind: 'stop_asked', why: 'SIGTERM' });
    instance.input({ kind: 'users_drained' });
    instance.drained('dest', socket);
    expect(instance.sent('dest_service_session_close_info').map(({ status }) => status)).to.deep.equal([111]);
    instance.drained('source', plug);
    expect(instance.sent('source_service_session_close_info').map(({ status }) => status)).to.deep.equal([111]);
    instance.input({ kind: 'service_stopped' });
    expect(instance.effects).to.deep.equal([
      {
        kind: 'send',
        line: 'type: service_instance_termination_info ~ message_id: 1003 ~ sub_type: service_instance_to_agent ~ service_name: post ~ service_instance_id: 7 ~ service_instance_network_address: 127.0.49.11',
      },
      { kind: 'exit', code: 0 },
    ]);
  });

  it('R30 when the Manager asks meanwhile, the end is the Manager’s: answered, no termination info', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'stop_asked', why: 'SIGTERM' });
    instance.graceful();
    instance.input({ kind: 'users_drained' });
    instance.input({ kind: 'service_stopped' });
    expect(instance.lines).to.deep.equal([RESPONSE]);
  });

  it('R47 an orphan ends without anybody to tell', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(DEFAULT_TIMERS.orphanMs);
    instance.input({ kind: 'users_drained' });
    instance.input({ kind: 'service_stopped' });
    expect(instance.effects).to.deep.equal([{ kind: 'exit', code: 0 }]);
  });
});
