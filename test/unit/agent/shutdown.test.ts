// Shutting down and dying: graceful, hard, by itself. "Off" needs proof of death, told exactly once.
import { expect } from 'chai';
import {
  closeRequest,
  graceful,
  gracefulAnswer,
  hard,
  hello,
  sessionRequest,
  termination,
  TestAgent,
} from './test-agent.ts';

describe('agent: shutdown', () => {
  let agent: TestAgent;
  beforeEach(() => {
    agent = new TestAgent().begin();
    agent.ready(5);
  });

  it('R31 passes the request on, and forwards the response once the process is gone', () => {
    agent.fromManager(graceful(5, 30100));
    expect(agent.sent('graceful_shutdown_request', 105)[0]?.sub_type).to.equal('agent_to_service_instance');
    agent.from(105, gracefulAnswer(30100));
    expect(agent.wire).to.deep.equal([]);
    agent.closed(105);
    expect(agent.wire, 'a closed connection is no proof').to.deep.equal([]);
    agent.ended(5);
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 200']);
    expect(agent.status(5)).to.equal(undefined);
  });

  it('R30 says no termination info for an end that the Manager asked for', () => {
    agent.fromManager(graceful(5, 30100));
    agent.from(105, gracefulAnswer(30100));
    agent.gone(5);
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 200']);
  });

  it('R31 a process that ends without an answer is as dead: 200', () => {
    agent.fromManager(graceful(5, 30100));
    agent.gone(5, 1);
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 200']);
  });

  it('R31 "still busy" is forwarded at once, and the instance goes on', () => {
    agent.fromManager(graceful(5, 30100));
    agent.from(105, gracefulAnswer(30100, 409));
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 409']);
    expect(agent.status(5)).to.equal('ready');
    agent.gone(5, 0);
    expect(agent.wire, 'R30 its later end is its own').to.deep.equal(['1: service_instance_termination_info']);
  });

  it('a 404 of a living instance is no proof of death: 409', () => {
    agent.fromManager(graceful(5, 30100));
    agent.from(105, gracefulAnswer(30100, 404));
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 409']);
  });

  it('unknown: 404', () => {
    agent.fromManager(graceful(77, 30100));
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 404']);
    agent.fromManager(hard(77, 30101));
    expect(agent.sent('hard_shutdown_response')[0]).to.include({ service_instance_id: 77, status: 404 });
  });

  it('R34 SIGKILL to the process group, answered after it is reaped', () => {
    agent.fromManager(hard(5, 30100));
    expect(agent.did('kill')[0]).to.include({ pid: 1005, signal: 'SIGKILL' });
    expect(agent.wire).to.deep.equal([]);
    agent.gone(5, null, 'SIGKILL');
    expect(agent.sent('hard_shutdown_response')[0]).to.include({
      message_id: 30100,
      service_instance_id: 5,
      status: 200,
    });
    expect(agent.wire, 'R30 and nothing else').to.have.length(1);
  });

  it('R34 asked twice: killed again, both answered', () => {
    agent.fromManager(hard(5, 30100));
    agent.fromManager(hard(5, 30101));
    expect(agent.did('kill')).to.have.length(1);
    agent.gone(5, null, 'SIGKILL');
    expect(agent.sent('hard_shutdown_response').map(({ message_id }) => message_id)).to.deep.equal([30100, 30101]);
  });

  it('R34 not dead within hardMs: 500; its death, when it comes, is reported', () => {
    agent.fromManager(hard(5, 30100));
    agent.wait(2000);
    expect(agent.wire).to.deep.equal(['1: hard_shutdown_response 500']);
    agent.gone(5, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['1: service_instance_termination_info']);
  });

  it('hard in the middle of graceful: both are answered once it is dead', () => {
    agent.fromManager(graceful(5, 30100));
    agent.fromManager(hard(5, 30101));
    agent.gone(5, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 200', '1: hard_shutdown_response 200']);
  });

  it('hard in the middle of a start: the start is 500, the kill 200', () => {
    agent.execute(6);
    agent.started(6);
    agent.fromManager(hard(6, 30100));
    agent.gone(6, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['1: execution_response 500', '1: hard_shutdown_response 200']);
  });

  it('before there is a process, nothing is started any more', () => {
    for (const request of [graceful, hard]) {
      agent.execute(6);
      const run = agent.run(6);
      agent.fromManager(request(6, 30100));
      expect(agent.wire.map((line) => line.split(' ').at(-1))).to.deep.equal(['500', '200']);
      expect(agent.input({ kind: 'ports_probed', ...run, taken: [] })).to.deep.equal([]);
    }
  });

  it('kills a process whose pid comes after the request', () => {
    agent.execute(6);
    agent.input({ kind: 'ports_probed', ...agent.run(6), taken: [] });
    agent.fromManager(hard(6, 30100));
    expect(agent.did('kill')).to.deep.equal([]);
    agent.input({ kind: 'process_started', ...agent.run(6), pid: 1006, startTime: null });
    expect(agent.did('kill')[0]).to.include({ pid: 1006 });
  });

  it('a program that never spoke is asked to end by SIGTERM', () => {
    agent.execute(6);
    agent.started(6);
    agent.wait(500);
    agent.input({ kind: 'sockets_probed', ...agent.run(6), accepting: true });
    agent.fromManager(graceful(6, 30100));
    expect(agent.did('kill')[0]).to.include({ pid: 1006, signal: 'SIGTERM' });
    agent.gone(6, null, 'SIGTERM');
    expect(agent.wire).to.deep.equal(['1: graceful_shutdown_response 200']);
  });

  it('R11, R30 the Manager that asked is gone: the death is reported to the next one', () => {
    agent.fromManager(graceful(5, 30100));
    agent.closed(1);
    agent.wait(300);
    agent.register();
    agent.gone(5);
    expect(agent.wire).to.deep.equal(['2: service_instance_termination_info']);
  });
});

describe('agent: termination', () => {
  let agent: TestAgent;
  beforeEach(() => {
    agent = new TestAgent().begin();
    agent.ready(5);
  });

  it('R30 a crash is reported with its exit code', () => {
    agent.gone(5, 3);
    const info = agent.sent('service_instance_termination_info', 1)[0];
    expect(info).to.deep.include({ sub_type: 'agent_to_Manager', service_name: 'post', service_instance_id: 5 });
    expect(info?.x).to.deep.equal({ x_exit: 'code 3' });
    expect(agent.wire).to.have.length(1);
  });

  it('R30 a signal is named, and code 0 is an exit too', () => {
    agent.ready(6);
    agent.gone(5, null, 'SIGKILL');
    expect(agent.sent('service_instance_termination_info')[0]?.x).to.deep.equal({ x_exit: 'signal SIGKILL' });
    agent.gone(6, 0);
    expect(agent.sent('service_instance_termination_info')[0]?.x).to.deep.equal({ x_exit: 'code 0' });
  });

  it('R30 an end by business logic is forwarded after the death, in its own words and without x_exit', () => {
    agent.from(105, { ...termination(5, 1042), x: { x_exit: 'code 9' } });
    expect(agent.wire).to.deep.equal([]);
    agent.gone(5);
    expect(agent.sent('service_instance_termination_info', 1)).to.deep.equal([
      { ...termination(5, 1042), sub_type: 'agent_to_Manager' },
    ]);
  });

  it('one that announces its end and stays is killed after gracefulMs', () => {
    agent.from(105, termination(5));
    agent.wait(10_000);
    expect(agent.did('kill')[0]).to.include({ pid: 1005, signal: 'SIGKILL' });
    agent.gone(5, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['1: service_instance_termination_info']);
  });

  it('R30 the last messages of a dead process are read first', () => {
    agent.ended(5, 1);
    expect(agent.wire).to.deep.equal([]);
    agent.from(105, sessionRequest(5));
    expect(agent.wire).to.deep.equal(['1: session_request']);
    agent.closed(105);
    expect(agent.wire).to.deep.equal(['1: service_instance_termination_info']);
  });

  it('a connection that outlives its process is waited for no longer than lastWordsMs', () => {
    agent.ended(5, 1);
    agent.wait(200);
    expect(agent.wire).to.deep.equal(['1: service_instance_termination_info']);
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([105]);
    expect(agent.from(105, hello(5))).to.deep.equal([]);
  });

  it('R44, R45 what a dead instance was asked is answered 404', () => {
    agent.fromManager(closeRequest(5, 30100));
    agent.gone(5, 1);
    expect(agent.wire).to.deep.equal([
      '1: service_instance_termination_info',
      '1: source_service_session_close_response 404',
    ]);
  });

  it('R47 a death without a Manager is reported after the next registration', () => {
    agent.closed(1);
    agent.gone(5, 3);
    expect(agent.wire).to.deep.equal([]);
    agent.wait(300);
    agent.register();
    expect(agent.wire).to.deep.equal(['2: service_instance_termination_info']);
  });

  it('is remembered no longer', () => {
    expect(agent.remembered?.instances).to.have.length(1);
    agent.gone(5);
    expect(agent.remembered?.instances).to.deep.equal([]);
  });
});

describe('agent: told to stop', () => {
  it('kills its children, reports each death, then ends with code 0', () => {
    const agent = new TestAgent().begin();
    agent.ready(5);
    agent.ready(6);
    agent.input({ kind: 'stop_requested' });
    expect(agent.did('kill').map(({ pid }) => pid)).to.deep.equal([1005, 1006]);
    agent.gone(5, null, 'SIGKILL');
    expect(agent.did('stop')).to.deep.equal([]);
    agent.gone(6, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['1: service_instance_termination_info']);
    expect(agent.did('close').map(({ connection }) => connection)).to.include(1);
    expect(agent.did('stop')[0]).to.include({ code: 0 });
  });

  it('without children it ends at once, also without a Manager', () => {
    const agent = new TestAgent();
    agent.start();
    agent.input({ kind: 'stop_requested' });
    expect(agent.did('stop')[0]).to.include({ code: 0 });
    agent.input({ kind: 'manager_connected', connection: 1 });
    expect(agent.did('close')).to.have.length(1);
  });

  it('a start under way is given up', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.input({ kind: 'stop_requested' });
    expect(agent.wire).to.deep.equal(['1: execution_response 500']);
    expect(agent.did('stop')).to.have.length(1);
  });

  it('a second request changes nothing', () => {
    const agent = new TestAgent().begin();
    agent.ready(5);
    agent.input({ kind: 'stop_requested' });
    expect(agent.input({ kind: 'stop_requested' })).to.deep.equal([]);
  });
});
