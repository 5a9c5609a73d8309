// Registration: what an agent says of itself, and what follows from the answer. No sockets here.
import { expect } from 'chai';
import { service, SETTINGS, TestAgent } from './test-agent.ts';

function answer(agent: TestAgent, status: number, x: Record<string, string> = {}): void {
  agent.fromManager({
    type: 'initiation_response',
    message_id: agent.state.link.requestId,
    sub_type: null,
    status,
    x,
  });
}

describe('agent: initiation', () => {
  it('connects as soon as it starts, and says address, repository and version (R09)', () => {
    const agent = new TestAgent();
    expect(agent.start().map(({ kind }) => kind)).to.include('connect_manager');
    const request = agent.connectManager();
    expect(request).to.deep.include({
      agent_network_address: SETTINGS.address,
      service_repository: ['post', 'store'],
      message_id: 1,
      sub_type: null,
    });
    expect(request.x).to.deep.equal({ x_version: '1.1', x_node: 'n1' });
  });

  it('R05 an empty repository is legal', () => {
    const agent = new TestAgent();
    agent.start({ repository: [] });
    agent.input({ kind: 'manager_connected', connection: 1 });
    expect(agent.did('send')[0]?.line).to.include('service_repository: () ~');
  });

  it('says no x_ line under --strict-1.1', () => {
    const agent = new TestAgent();
    agent.start({ strict: true });
    expect(agent.connectManager().x).to.equal(undefined);
  });

  it('R47 without a state file it is unknown, not none, what runs here', () => {
    const agent = new TestAgent();
    agent.start();
    expect(agent.connectManager().x).to.not.have.property('x_running_instances');
    const known = new TestAgent();
    known.start({}, { node: 'n1', cluster: null, epoch: 0, spent: [], instances: [] });
    expect(known.connectManager().x).to.have.property('x_running_instances', '');
  });

  it('R47 registers again with everything that has a process', () => {
    const agent = new TestAgent().begin();
    agent.ready(5);
    agent.execute(6);
    agent.started(6);
    agent.execute(7); // its ports are still being tried
    agent.closed(1);
    agent.wait(300);
    expect(agent.connectManager().x).to.have.property('x_running_instances', '5, 6');
    expect(agent.status(7)).to.equal(undefined);
  });

  for (const status of [400, 401, 403, 404])
    it(`R52 ${status} ends the agent with a sentence and code 1`, () => {
      const agent = new TestAgent();
      agent.start();
      agent.connectManager();
      answer(agent, status);
      expect(agent.did('stop')).to.have.length(1);
      expect(agent.did('stop')[0]).to.include({ code: 1 });
      expect(agent.did('stop')[0]?.why).to.include(String(status));
      expect(agent.wait(60_000)).to.deep.equal([]);
    });

  for (const status of [409, 500, 503, 302])
    it(`R52 ${status} is tried again with back-off`, () => {
      const agent = new TestAgent();
      agent.start();
      agent.connectManager();
      answer(agent, status);
      expect(agent.did('stop')).to.deep.equal([]);
      expect(agent.did('close')).to.have.length(1);
      agent.wait(49);
      expect(agent.did('connect_manager')).to.have.length(0);
      agent.wait(201);
      expect(agent.did('connect_manager')).to.have.length(1);
    });

  it('R52 no connection: tries again every 50 to 250 ms, and says so once', () => {
    const agent = new TestAgent();
    agent.start();
    const waits: number[] = [];
    for (let tries = 0; tries < 50; tries += 1) {
      agent.input({ kind: 'manager_unreached', why: 'connect ECONNREFUSED' });
      const from = agent.at;
      while (agent.did('connect_manager').length === 0) agent.wait(1);
      waits.push(agent.at - from);
    }
    expect(Math.min(...waits)).to.be.at.least(50);
    expect(Math.max(...waits)).to.be.at.most(250);
    expect(new Set(waits).size, 'with jitter').to.be.above(10);
    expect(agent.logs.filter((text) => text.includes('cannot be reached'))).to.have.length(1);
  });

  it('two agents with different seeds do not come back in step', () => {
    const waitOf = (seed: number): number[] => {
      const agent = new TestAgent();
      agent.start({ seed });
      const waits: number[] = [];
      for (let tries = 0; tries < 5; tries += 1) {
        agent.input({ kind: 'manager_unreached', why: 'x' });
        waits.push(agent.state.deadlines.next() as number);
        agent.wait(250);
      }
      return waits;
    };
    expect(waitOf(1)).to.deep.equal(waitOf(1));
    expect(waitOf(1)).to.not.deep.equal(waitOf(2));
  });

  it('a Manager that does not answer the registration is left after lostMs', () => {
    const agent = new TestAgent();
    agent.start();
    agent.connectManager();
    agent.wait(4999);
    expect(agent.did('close')).to.deep.equal([]);
    agent.wait(300);
    expect(agent.did('close')).to.have.length(1);
    expect(agent.did('connect_manager')).to.have.length(1);
  });

  it('R11 an answer to an earlier registration is none', () => {
    const agent = new TestAgent();
    agent.start();
    agent.connectManager();
    agent.fromManager({ type: 'initiation_response', message_id: 99, sub_type: null, status: 200 });
    expect(agent.state.link.status).to.equal('registering');
  });

  it('R51 a lower epoch of the same cluster is refused, also after a restart', () => {
    const agent = new TestAgent().begin();
    agent.closed(1);
    agent.wait(300);
    agent.register({ x_epoch: '7', x_cluster: 'c' });
    expect(agent.remembered).to.include({ cluster: 'c', epoch: 7 });

    const next = new TestAgent();
    next.start({}, agent.remembered);
    next.register({ x_epoch: '6', x_cluster: 'c' });
    expect(next.state.link.status).to.equal('waiting');
    expect(next.logs.join()).to.include('R51');
    next.wait(300);
    next.register({ x_epoch: '7', x_cluster: 'c' });
    expect(next.state.link.status).to.equal('registered');
  });

  it('R51 epochs of another cluster, or none, do not compare', () => {
    for (const x of [{ x_epoch: '1', x_cluster: 'other' }, null]) {
      const agent = new TestAgent();
      agent.start({}, { node: 'n1', cluster: 'c', epoch: 9, spent: [], instances: [] });
      agent.register(x);
      expect(agent.state.link.status).to.equal('registered');
    }
  });

  it('R48 keeps its x_node for its next life', () => {
    const agent = new TestAgent();
    agent.start({ node: 'abc', repository: [service('post')] });
    agent.register();
    expect(agent.remembered).to.include({ node: 'abc' });
  });

  it('a message before the registration is answered is refused, the third closes', () => {
    const agent = new TestAgent();
    agent.start();
    agent.connectManager();
    for (const times of [1, 2, 3]) {
      agent.execute(5);
      expect(agent.sent('execution_response').map(({ status }) => status)).to.deep.equal([400]);
      expect(agent.did('close')).to.have.length(times === 3 ? 1 : 0);
    }
  });
});
