/** Closing a session: by the Manager at either end, by either end, and because nobody uses it. */
import { expect } from 'chai';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import { ADDRESS, OTHER, TestInstance } from './test-instance.ts';

const { closeDrainMs, closeMs, idleSessionMs } = DEFAULT_TIMERS;

describe('kit: the Manager closes a session', () => {
  it('R42 source: drains, closes, answers 200 and reports nothing', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key);
    expect(instance.effects).to.deep.equal([{ kind: 'drain', side: 'source', key }]);
    instance.drained('source', key);
    expect(instance.effects.filter(({ kind }) => kind !== 'log')).to.deep.equal([
      { kind: 'close_session', side: 'source', key },
      {
        kind: 'send',
        line: 'type: source_service_session_close_response ~ message_id: 30001 ~ sub_type: source_service_to_agent ~ status: 200',
      },
    ]);
    expect(instance.state.sources.size).to.equal(0);
  });

  it('R42 destination: drains, closes, answers 200 and reports nothing', () => {
    const instance = new TestInstance().begin();
    const key = instance.accept();
    instance.closeDest();
    expect(instance.effects).to.deep.equal([{ kind: 'drain', side: 'dest', key }]);
    instance.drained('dest', key);
    expect(instance.lines).to.deep.equal([
      'type: dest_service_session_close_response ~ message_id: 30002 ~ sub_type: dest_service_to_agent ~ status: 200',
    ]);
    expect(instance.did('close_session')).to.have.length(1);
  });

  it('R42 a connection that ends while the Manager’s wish is under way is answered too, not reported', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key);
    instance.input({ kind: 'session_ended', side: 'source', key, clean: false });
    expect(instance.lines).to.have.length(1);
    expect(instance.sent('source_service_session_close_response').map(({ status }) => status)).to.deep.equal([200]);
  });

  it('R44 an unknown session is 404, at either end; so is one that has just been closed', () => {
    const instance = new TestInstance().begin();
    instance.closeSource('none');
    expect(instance.sent('source_service_session_close_response').map(({ status }) => status)).to.deep.equal([404]);
    instance.closeDest(20999);
    expect(instance.sent('dest_service_session_close_response').map(({ status }) => status)).to.deep.equal([404]);
    instance.accept();
    instance.closeDest();
    instance.drained('dest', `${OTHER}:20001-${ADDRESS}:54001`);
    instance.closeDest(20001, 30009);
    expect(instance.sent('dest_service_session_close_response').map(({ status }) => status)).to.deep.equal([404]);
  });

  it('R19 closes the session of those four numbers and no other on the same socket', () => {
    const instance = new TestInstance().begin();
    instance.accept(20001);
    const second = instance.accept(20002);
    instance.closeDest(20002);
    expect(instance.did('drain')).to.deep.equal([{ kind: 'drain', side: 'dest', key: second }]);
  });

  it('a request for another instance is 404', () => {
    const instance = new TestInstance({ instanceId: 8 }).begin();
    const key = instance.open();
    instance.closeSource(key);
    expect(instance.sent('source_service_session_close_response').map(({ status }) => status)).to.deep.equal([404]);
  });

  it('requests under way have until shortly before the Manager’s 5 s, then it is closed anyway and answered 200', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key);
    expect(closeDrainMs).to.be.below(closeMs);
    expect(instance.wait(closeDrainMs - 1)).to.deep.equal([]);
    instance.wait(1);
    expect(instance.did('close_session')).to.deep.equal([{ kind: 'close_session', side: 'source', key }]);
    expect(instance.sent('source_service_session_close_response').map(({ status }) => status)).to.deep.equal([200]);
    expect(instance.drained('source', key)).to.deep.equal([]);
  });

  it('R50 requests to an end that is lost are not waited for, also where they were before', () => {
    for (const wishes of [[{ x_other_end: 'lost' }], [undefined, { x_other_end: 'lost' }]]) {
      const instance = new TestInstance().begin();
      const key = instance.open();
      const effects = wishes.flatMap((x, at) => instance.closeSource(key, 30001 + at, x)).concat(instance.wait(1));
      const kinds = effects.map(({ kind }) => kind).filter((kind) => kind !== 'log');
      expect(kinds).to.deep.equal(['drain', 'close_session', ...wishes.map(() => 'send')]);
      expect(instance.state.sources.size).to.equal(0);
    }
  });

  it('the same wish twice is answered twice', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key, 30001);
    expect(instance.closeSource(key, 30005)).to.deep.equal([]);
    instance.drained('source', key);
    const ids = instance.sent('source_service_session_close_response').map(({ message_id }) => message_id);
    expect(ids).to.deep.equal([30001, 30005]);
  });

  it('a second wish gives requests under way no more time', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key, 30001);
    instance.wait(closeDrainMs - 1);
    instance.closeSource(key, 30005);
    instance.wait(1);
    expect(instance.sent('source_service_session_close_response')).to.have.length(2);
  });

  it('leaves no deadline behind', () => {
    const instance = new TestInstance().begin();
    const [source, dest] = [instance.open(), instance.accept()];
    instance.closeSource(source);
    instance.closeDest();
    instance.drained('source', source);
    instance.drained('dest', dest);
    expect(instance.state.deadlines.size).to.equal(0);
    expect(instance.wait(100_000)).to.deep.equal([]);
  });

  it('opens another session for the same plug while the old one still drains', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.closeSource(key);
    const next = instance.open();
    expect(next).to.not.equal(key);
    expect([...instance.state.sources.keys()]).to.deep.equal([key, next]);
  });
});

describe('kit: an end closes a session', () => {
  it('R42 source: a clean end is 111, a broken one 122, with the fields of the session', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'session_ended', side: 'source', key: instance.open(), clean: true });
    expect(instance.lines).to.deep.equal([
      `type: source_service_session_close_info ~ message_id: 1001 ~ sub_type: source_service_to_agent ~ source_service_name: post ~ source_service_instance_id: 7 ~ source_service_instance_network_address: ${ADDRESS} ~ source_plug_name: posts-plug ~ source_plug_port: 20448 ~ dest_service_name: posts-db ~ dest_service_instance_id: 9 ~ dest_service_instance_network_address: ${OTHER} ~ dest_socket_name: posts-socket ~ dest_socket_port: 54002 ~ dest_socket_new_port: 54002 ~ status: 111`,
    ]);
    instance.input({ kind: 'session_ended', side: 'source', key: instance.open(), clean: false });
    expect(instance.sent('source_service_session_close_info').map(({ status }) => status)).to.deep.equal([122]);
  });

  it('R41 R42 destination: the plug’s name it cannot know is -', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'session_ended', side: 'dest', key: instance.accept(), clean: true });
    expect(instance.lines).to.deep.equal([
      `type: dest_service_session_close_info ~ message_id: 1000 ~ sub_type: dest_service_to_agent ~ source_service_instance_network_address: ${OTHER} ~ source_plug_name: - ~ source_plug_port: 20001 ~ dest_service_name: post ~ dest_service_instance_network_address: ${ADDRESS} ~ dest_service_instance_id: 7 ~ dest_socket_name: post-socket ~ dest_socket_port: 54001 ~ dest_socket_new_port: 54001 ~ status: 111`,
    ]);
  });

  it('R40 sends the destination’s id where the grant named it, and an empty one where it did not', () => {
    const instance = new TestInstance().begin();
    const id = instance.need();
    instance.grant(id, { dest_service_instance_id: null });
    instance.input({ kind: 'dialed', opening: id });
    instance.input({
      kind: 'session_ended',
      side: 'source',
      key: instance.did('use_session')[0]?.key ?? '',
      clean: true,
    });
    expect(instance.lines[0]).to.contain(' ~ dest_service_instance_id:  ~ ');

    const named = new TestInstance().begin();
    named.input({ kind: 'session_ended', side: 'source', key: named.open(), clean: true });
    const [report] = named.sent('source_service_session_close_info');
    expect(report).to.include({ source_service_instance_id: 7, dest_service_instance_id: 9 });
  });

  it('a connection is one session, however often it is said', () => {
    const instance = new TestInstance().begin();
    const key = instance.accept();
    instance.closeDest();
    instance.accept();
    expect(instance.state.dests.get(key)?.asks).to.deep.equal([30002]);
  });

  it('an end is reported once', () => {
    const instance = new TestInstance().begin();
    const key = instance.accept();
    instance.input({ kind: 'session_ended', side: 'dest', key, clean: true });
    expect(instance.input({ kind: 'session_ended', side: 'dest', key, clean: true })).to.deep.equal([]);
    expect(instance.input({ kind: 'session_drained', side: 'dest', key })).to.deep.equal([]);
  });

  it('R18 R15 a source’s address is compared in canonical form', () => {
    const instance = new TestInstance().begin();
    instance.input({
      kind: 'session_accepted',
      socket: 'post-socket',
      sourceAddress: `::ffff:${OTHER}`,
      sourcePort: 20001,
      destPort: 54001,
    });
    instance.closeDest();
    expect(instance.did('drain')).to.have.length(1);
  });
});

describe('kit: a session nobody uses', () => {
  it('R35 a plug asks after 30 s, closes what was idle for 30 s, and reports 111', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    expect(instance.wait(idleSessionMs - 1)).to.deep.equal([]);
    instance.wait(1);
    expect(instance.effects).to.deep.equal([{ kind: 'check_idle', key }]);
    instance.input({ kind: 'idle_checked', key, idleMs: idleSessionMs });
    expect(instance.effects).to.deep.equal([{ kind: 'drain', side: 'source', key }]);
    instance.drained('source', key);
    expect(instance.did('close_session')).to.have.length(1);
    expect(instance.sent('source_service_session_close_info').map(({ status }) => status)).to.deep.equal([111]);
  });

  it('R35 one that was used meanwhile is asked about again when its 30 s are over', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.wait(idleSessionMs);
    expect(instance.input({ kind: 'idle_checked', key, idleMs: 12_000 })).to.deep.equal([]);
    expect(instance.wait(idleSessionMs - 12_000 - 1)).to.deep.equal([]);
    expect(instance.wait(1)).to.deep.equal([{ kind: 'check_idle', key }]);
  });

  it('R42 the Manager’s wish for a session that is closing by itself is answered, and not reported', () => {
    const instance = new TestInstance().begin();
    const key = instance.open();
    instance.wait(idleSessionMs);
    instance.input({ kind: 'idle_checked', key, idleMs: idleSessionMs });
    expect(instance.closeSource(key)).to.deep.equal([]);
    instance.drained('source', key);
    expect(instance.lines).to.have.length(1);
    expect(instance.sent('source_service_session_close_response').map(({ status }) => status)).to.deep.equal([200]);
  });
});
