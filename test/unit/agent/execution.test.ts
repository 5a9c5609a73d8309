// Execution: from the request to the answer that the instance runs and listens, or why not.
import { expect } from 'chai';
import { INSTANCES_MAX } from '../../../agent/core/limits.ts';
import { ADDRESS, hello, service, SETTINGS, TestAgent } from './test-agent.ts';

function answers(agent: TestAgent): [number, number][] {
  return agent.sent('execution_response').map(({ message_id, status }) => [message_id, status]);
}

describe('agent: execution', () => {
  it('R21 tries the ports before it starts the process', () => {
    const agent = new TestAgent().begin();
    agent.execute(5, {
      socket_configuration: [
        { socket: 'S', port: 54001 },
        { socket: 'T', port: 54002 },
      ],
    });
    expect(agent.did('spawn')).to.deep.equal([]);
    expect(agent.did('probe_ports')[0]?.ports).to.deep.equal([54001, 54002]);
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [] });
    expect(agent.did('spawn')).to.have.length(1);
  });

  it('R21 a taken port is 409, and nothing is started', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [54005] });
    expect(answers(agent)).to.deep.equal([[id, 409]]);
    expect(agent.did('spawn')).to.deep.equal([]);
    expect(agent.status(5)).to.equal(undefined);
    const again = agent.execute(5, { socket_configuration: [{ socket: 'S', port: 54100 }] });
    agent.started(5);
    agent.hello(5);
    expect(answers(agent)).to.deep.equal([[again, 200]]);
  });

  it('starts with the five arguments in order', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [] });
    expect(agent.did('spawn')[0]).to.deep.include({
      service: 'post',
      args: ['post', '5', ADDRESS, 'S, 54005', 'P, T, store'],
    });
  });

  it('gives a clean environment: PATH, HOME, LANG, and what the repository names', () => {
    const agent = new TestAgent().begin({ repository: [service('post', { env: { LOG: 'debug' } })] });
    agent.execute(5);
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [] });
    expect(agent.did('spawn')[0]?.env).to.deep.equal({ PATH: '/bin', HOME: '/home/me', LANG: 'C', LOG: 'debug' });
  });

  it('gives a data directory to an instance without plugs, and the agent port where it is another', () => {
    const agent = new TestAgent().begin({ port: 55560 });
    agent.execute(5, { service_name: 'store', plug_configuration: [] });
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [] });
    expect(agent.did('spawn')[0]?.env).to.deep.equal({
      ...SETTINGS.baseEnv,
      SSMMP_AGENT_PORT: '55560',
      SSMMP_DATA_DIR: '/baas/store',
    });
    expect(agent.did('spawn')[0]?.args[4]).to.equal('');
  });

  it('R26 the hello answers 200 with the pid', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.started(5);
    expect(agent.wire).to.deep.equal([]);
    agent.hello(5);
    expect(answers(agent)).to.deep.equal([[id, 200]]);
    expect(agent.sent('execution_response')[0]?.x).to.deep.equal({ x_pid: '1005' });
  });

  it('no x_pid under --strict-1.1', () => {
    const agent = new TestAgent().begin({ strict: true });
    agent.ready(5);
    expect(agent.sent('execution_response')[0]).to.not.have.property('x');
  });

  it('R26 a program that says no hello is probed after 500 ms, until every socket accepts', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.started(5);
    agent.wait(499);
    expect(agent.did('probe_sockets')).to.deep.equal([]);
    agent.wait(1);
    expect(agent.did('probe_sockets')[0]?.ports).to.deep.equal([54005]);
    agent.input({ kind: 'sockets_probed', ...agent.run(5), accepting: false });
    expect(agent.wire).to.deep.equal([]);
    agent.wait(100);
    expect(agent.did('probe_sockets')).to.have.length(1);
    agent.input({ kind: 'sockets_probed', ...agent.run(5), accepting: true });
    expect(answers(agent)).to.deep.equal([[id, 200]]);
    agent.wait(20_000);
    expect(agent.status(5)).to.equal('ready');
  });

  it('R26 a program without sockets that says no hello is ready after 1 s alive', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5, { socket_configuration: [] });
    expect(agent.did('spawn'), 'no port to try').to.have.length(1);
    agent.input({ kind: 'process_started', ...agent.run(5), pid: 1005, startTime: 't' });
    agent.wait(999);
    expect(agent.wire).to.deep.equal([]);
    agent.wait(1);
    expect(answers(agent)).to.deep.equal([[id, 200]]);
  });

  it('R26 not ready in 10 s: killed, and 504 once it is dead', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.started(5);
    agent.wait(9999);
    expect(agent.did('kill')).to.deep.equal([]);
    agent.wait(1);
    expect(agent.did('kill')[0]).to.include({ pid: 1005, signal: 'SIGKILL' });
    expect(agent.wire).to.deep.equal([]);
    agent.gone(5, null, 'SIGKILL');
    expect(answers(agent)).to.deep.equal([[id, 504]]);
    expect(agent.sent('service_instance_termination_info'), 'R30: it was answered').to.deep.equal([]);
  });

  it('R26 ended early: 500', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.started(5);
    agent.gone(5, 1);
    expect(answers(agent)).to.deep.equal([[id, 500]]);
    expect(agent.sent('service_instance_termination_info'), 'R30').to.deep.equal([]);
    expect(agent.status(5)).to.equal(undefined);
  });

  it('a program that cannot be started at all: 500', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5);
    agent.input({ kind: 'ports_probed', ...agent.run(5), taken: [] });
    agent.input({ kind: 'process_failed', ...agent.run(5), why: 'spawn nope ENOENT' });
    expect(answers(agent)).to.deep.equal([[id, 500]]);
  });

  it('R27 not in the repository: 404', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5, { service_name: 'nope' });
    expect(answers(agent)).to.deep.equal([[id, 404]]);
  });

  it('a socket or plug that the repository does not list: 404', () => {
    const listed = service('post', { sockets: ['S'], plugs: ['P'] });
    for (const wrong of [
      { socket_configuration: [{ socket: 'X', port: 54001 }] },
      { plug_configuration: [{ plug: 'X', socket: 'T', service: 'store' }] },
    ]) {
      const agent = new TestAgent().begin({ repository: [listed] });
      const id = agent.execute(5, wrong);
      expect(answers(agent)).to.deep.equal([[id, 404]]);
      expect(agent.logs.join()).to.include("'X'");
    }
    const agent = new TestAgent().begin({ repository: [listed] });
    agent.ready(5);
    expect(agent.status(5)).to.equal('ready');
  });

  it('R28 another address: 421', () => {
    const agent = new TestAgent().begin();
    const id = agent.execute(5, { agent_network_address: '127.0.48.12' });
    expect(answers(agent)).to.deep.equal([[id, 421]]);
  });

  it('R28 already running: 200 and nothing is started', () => {
    const agent = new TestAgent().begin();
    agent.ready(5);
    const id = agent.execute(5);
    expect(answers(agent)).to.deep.equal([[id, 200]]);
    expect(agent.did('probe_ports')).to.deep.equal([]);
  });

  it('R28 asked again while it starts: one start, both are answered', () => {
    const agent = new TestAgent().begin();
    const first = agent.execute(5);
    const second = agent.execute(5);
    agent.started(5);
    const third = agent.execute(5);
    expect(agent.did('spawn')).to.deep.equal([]);
    agent.hello(5);
    expect(answers(agent)).to.deep.equal([first, second, third].map((id) => [id, 200]));
  });

  it('503 for an instance that is ending, and while the agent stops', () => {
    const agent = new TestAgent().begin();
    agent.ready(5);
    agent.fromManager({
      type: 'hard_shutdown_request',
      message_id: 1,
      sub_type: 'Manager_to_agent',
      service_name: 'post',
      service_instance_id: 5,
    });
    const id = agent.execute(5);
    expect(answers(agent)).to.deep.equal([[id, 503]]);
    agent.input({ kind: 'stop_requested' });
    const other = agent.execute(6);
    expect(answers(agent)).to.deep.equal([[other, 503]]);
  });

  it(`503 beyond ${INSTANCES_MAX} instances, and the health says start nothing new (R45)`, () => {
    const agent = new TestAgent().begin();
    for (let id = 1; id <= INSTANCES_MAX; id += 1) agent.execute(id, { socket_configuration: [] });
    const id = agent.execute(INSTANCES_MAX + 1);
    expect(answers(agent)).to.deep.equal([[id, 503]]);
    agent.fromManager({
      type: 'agent_health_control_request',
      message_id: 9,
      sub_type: 'Manager_to_agent',
      agent_network_address: ADDRESS,
    });
    expect(agent.sent('agent_health_control_response')[0]?.status).to.equal(199);
  });

  it('R11 a start whose request came on a lost connection is not answered on the next; R49 asked again it is 200', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.started(5);
    agent.closed(1);
    agent.wait(300);
    agent.register();
    agent.hello(5);
    expect(agent.wire).to.deep.equal([]);
    const id = agent.execute(5);
    expect(answers(agent)).to.deep.equal([[id, 200]]);
  });

  it('R49 a start that was under way when the Manager went, and failed after it was listed, is reported', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.started(5);
    agent.closed(1);
    agent.wait(300);
    agent.register();
    agent.gone(5, 3);
    expect(agent.sent('service_instance_termination_info')[0]?.x).to.deep.equal({ x_exit: 'code 3' });
  });

  it('a failed start that nobody was told of leaves no trace', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.started(5);
    agent.closed(1);
    agent.gone(5, 3);
    agent.wait(300);
    agent.register();
    expect(agent.wire).to.deep.equal([]);
  });

  it('what comes late from an earlier process of the same id changes nothing', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    const old = agent.run(5);
    agent.input({ kind: 'ports_probed', ...old, taken: [54005] });
    agent.execute(5);
    expect(agent.input({ kind: 'ports_probed', ...old, taken: [] })).to.deep.equal([]);
    expect(agent.input({ kind: 'process_ended', ...old, code: 1, signal: null })).to.deep.equal([]);
    expect(agent.status(5)).to.equal('probing');
  });

  it('the hello of one instance makes no other ready', () => {
    const agent = new TestAgent().begin();
    agent.execute(5);
    agent.started(5);
    agent.execute(6);
    agent.started(6);
    agent.hello(5);
    expect([agent.status(5), agent.status(6)]).to.deep.equal(['ready', 'starting']);
    agent.from(105, hello(6));
    expect(agent.status(6)).to.equal('starting');
  });
});
