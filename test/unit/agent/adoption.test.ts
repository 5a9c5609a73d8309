// R47: an agent that restarts takes its children back.
import { expect } from 'chai';
import type { Remembered } from '../../../agent/core/inputs.ts';
import { graceful, hard, hello, healthRequest, TestAgent } from './test-agent.ts';

/** An agent with two instances, killed; what it kept. */
function lifeBefore(): Remembered {
  const agent = new TestAgent().begin();
  agent.ready(5);
  agent.execute(6);
  agent.started(6);
  return agent.remembered as Remembered;
}

describe('agent: adoption', () => {
  it('R47 remembers id, service, pid, start time and ports', () => {
    expect(lifeBefore().instances).to.deep.equal([
      {
        id: 5,
        service: 'post',
        pid: 1005,
        startTime: 't5',
        sockets: [{ socket: 'S', port: 54005 }],
        ready: true,
        mute: false,
      },
      {
        id: 6,
        service: 'post',
        pid: 1006,
        startTime: 't6',
        sockets: [{ socket: 'S', port: 54006 }],
        ready: false,
        mute: false,
      },
    ]);
  });

  it('R12 R28 an agent that dies before it noted the process of an instance never starts that id again', () => {
    const first = new TestAgent().begin();
    first.execute(7);
    first.input({ kind: 'ports_probed', ...first.run(7), taken: [] });
    expect(first.effects.map(({ kind }) => kind).slice(0, 2), 'noted before it is started').to.deep.equal([
      'remember',
      'spawn',
    ]);
    const kept = first.remembered as Remembered;
    expect(kept).to.deep.include({ spent: [7], instances: [] });
    const agent = new TestAgent();
    agent.start({}, kept);
    agent.register();
    agent.execute(7);
    expect(agent.wire).to.deep.equal(['1: execution_response 500']);
    expect(agent.did('probe_ports')).to.deep.equal([]);
    agent.hello(7);
    expect(agent.wire, 'if it was started, it goes').to.deep.equal(['107: graceful_shutdown_request']);
    agent.ready(8);
    expect(agent.remembered, 'nor does a later life').to.deep.include({ spent: [7] });
  });

  it('R47 one that does not know what runs here notes nothing before it has said so: its next life does not know either', () => {
    const agent = new TestAgent();
    agent.start();
    expect(agent.did('connect_manager')).to.have.length(1);
    expect(agent.remembered).to.equal(null);
    agent.register();
    expect(agent.remembered).to.deep.include({ spent: [], instances: [] });
  });

  it('R12 R28 a start that is asked for again when its process has died is not made again', () => {
    const agent = new TestAgent().begin();
    agent.execute(7);
    agent.started(7);
    agent.closed(agent.manager);
    agent.wait(300);
    agent.register();
    agent.gone(7, null, 'SIGKILL');
    expect(agent.wire).to.deep.equal(['2: service_instance_termination_info']);
    agent.execute(7);
    expect(agent.wire).to.deep.equal(['2: execution_response 500']);
    expect(agent.did('spawn')).to.deep.equal([]);
  });

  it('R47 checks every child before it registers, and lists those that live', () => {
    const agent = new TestAgent();
    agent.start({}, lifeBefore());
    expect(agent.did('check_process').map(({ pid, startTime }) => [pid, startTime])).to.deep.equal([
      [1005, 't5'],
      [1006, 't6'],
    ]);
    expect(agent.did('connect_manager')).to.deep.equal([]);
    agent.input({ kind: 'process_checked', ...agent.run(6), alive: false });
    expect(agent.did('connect_manager')).to.deep.equal([]);
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    expect(agent.did('connect_manager')).to.have.length(1);
    expect(agent.connectManager().x).to.have.property('x_running_instances', '5');
  });

  function restarted(strict = false): TestAgent {
    const agent = new TestAgent();
    agent.start({ strict }, lifeBefore());
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    agent.input({ kind: 'process_checked', ...agent.run(6), alive: false });
    return agent;
  }

  it('R30 one that died meanwhile is reported, how is unknown', () => {
    const agent = restarted();
    agent.register();
    expect(
      agent.sent('service_instance_termination_info').map(({ service_instance_id, x }) => [service_instance_id, x]),
    ).to.deep.equal([[6, { x_exit: 'signal unknown' }]]);
  });

  it('R47 holds under --strict-1.1: the deaths are told, without x_exit', () => {
    const agent = restarted(true);
    agent.register(null);
    expect(agent.sent('service_instance_termination_info').map(({ x }) => x)).to.deep.equal([undefined]);
  });

  it('R47 children reconnect, and are asked what came meanwhile', () => {
    const agent = restarted();
    agent.register();
    agent.fromManager(healthRequest(5, 30100));
    expect(agent.wire).to.deep.equal([]);
    agent.hello(5);
    expect(agent.wire).to.deep.equal(['105: service_instance_health_request']);
  });

  it('R28 asked to execute it again: 200 and nothing is started', () => {
    const agent = restarted();
    agent.register();
    agent.execute(5);
    expect(agent.wire).to.deep.equal(['1: execution_response 200']);
    expect(agent.did('probe_ports')).to.deep.equal([]);
  });

  it('an adopted one is killed, and its death proven, like any other', () => {
    const agent = restarted();
    agent.register();
    agent.fromManager(hard(5, 30100));
    expect(agent.did('kill')[0]).to.include({ pid: 1005 });
    agent.ended(5, null, null);
    expect(agent.wire).to.deep.equal(['1: hard_shutdown_response 200']);
  });

  it('one that was not ready yet goes on starting', () => {
    const agent = new TestAgent();
    agent.start({}, lifeBefore());
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    agent.input({ kind: 'process_checked', ...agent.run(6), alive: true });
    agent.register();
    const id = agent.execute(6);
    expect(agent.wire).to.deep.equal([]);
    agent.hello(6);
    expect(agent.sent('execution_response')[0]).to.include({ message_id: id, status: 200 });
  });

  it('a program that never spoke is still answered for', () => {
    const before = lifeBefore();
    const agent = new TestAgent();
    agent.start({}, { ...before, instances: before.instances.slice(0, 1).map((child) => ({ ...child, mute: true })) });
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    agent.register();
    agent.fromManager(healthRequest(5, 30100));
    expect(agent.wire).to.deep.equal(['1: service_instance_health_response 200']);
    agent.fromManager(graceful(5, 30101));
    expect(agent.did('kill')[0]).to.include({ signal: 'SIGTERM' });
  });

  it('a hello before the check is back is taken', () => {
    const agent = new TestAgent();
    agent.start({}, lifeBefore());
    agent.hello(5);
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    expect(agent.status(5)).to.equal('ready');
    expect(agent.state.instances.get(5)?.connection).to.equal(105);
  });

  it('told to stop while it looks, it ends those it finds', () => {
    const agent = new TestAgent();
    agent.start({}, lifeBefore());
    agent.input({ kind: 'stop_requested' });
    expect(agent.did('kill')).to.deep.equal([]);
    agent.input({ kind: 'process_checked', ...agent.run(5), alive: true });
    expect(agent.did('kill').map(({ pid }) => pid)).to.deep.equal([1005]);
    agent.input({ kind: 'process_checked', ...agent.run(6), alive: false });
    agent.ended(5, null, null);
    expect(agent.did('stop')).to.have.length(1);
  });

  it('an unknown process that says hello is no child', () => {
    const agent = restarted();
    agent.input({ kind: 'connection_opened', connection: 107, address: '127.0.0.1' });
    agent.from(107, hello(7));
    expect(agent.state.connections.get(107)).to.include({ instance: null, offences: 1 });
  });
});
