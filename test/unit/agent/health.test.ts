// Health of instances and of the agent itself.
import { expect } from 'chai';
import { ADDRESS, healthRequest, hello, TestAgent } from './test-agent.ts';

describe('agent: health', () => {
  let agent: TestAgent;
  const agentHealth = (message_id: number): void => {
    agent.fromManager({
      type: 'agent_health_control_request',
      message_id,
      sub_type: 'Manager_to_agent',
      agent_network_address: ADDRESS,
    });
  };
  beforeEach(() => {
    agent = new TestAgent().begin();
    agent.ready(5);
  });

  it('passes the request to the instance and its answer back', () => {
    agent.fromManager(healthRequest(5, 30100));
    expect(agent.sent('service_instance_health_request', 105)[0]?.sub_type).to.equal('agent_to_service_instance');
    agent.from(105, { ...hello(5), message_id: 30100, status: 199 });
    expect(agent.wire).to.deep.equal(['1: service_instance_health_response 199']);
  });

  it('R45 an unknown id is 404 from the agent', () => {
    agent.fromManager(healthRequest(77, 30100));
    expect(agent.sent('service_instance_health_response', 1)[0]).to.include({
      service_instance_id: 77,
      status: 404,
      sub_type: 'agent_to_Manager',
    });
  });

  it('R45 a dead one is 404, also while its last words are read', () => {
    agent.ended(5, 1);
    agent.fromManager(healthRequest(5, 30100));
    expect(agent.wire).to.deep.equal(['1: service_instance_health_response 404']);
  });

  it('R45 a living instance that says 404 of itself is degraded, not unknown', () => {
    agent.fromManager(healthRequest(5, 30100));
    agent.from(105, { ...hello(5), message_id: 30100, status: 404 });
    expect(agent.wire).to.deep.equal(['1: service_instance_health_response 500']);
  });

  it('R45 a hung instance is not answered for', () => {
    agent.fromManager(healthRequest(5, 30100));
    agent.wait(3000);
    expect(agent.wire).to.deep.equal([]);
  });

  it('R26, R45 a program that never spoke is answered for while it lives', () => {
    agent.execute(6);
    agent.started(6);
    agent.wait(500);
    agent.input({ kind: 'sockets_probed', ...agent.run(6), accepting: true });
    agent.fromManager(healthRequest(6, 30100));
    expect(agent.wire).to.deep.equal(['1: service_instance_health_response 200']);
    agent.hello(6);
    agent.fromManager(healthRequest(6, 30101));
    expect(agent.wire, 'once it has spoken it answers itself').to.deep.equal(['106: service_instance_health_request']);
  });

  it('an instance that connects again is asked then', () => {
    agent.closed(105);
    agent.fromManager(healthRequest(5, 30100));
    agent.hello(5, 205);
    expect(agent.wire).to.deep.equal(['205: service_instance_health_request']);
  });

  it('the agent is 200, and 503 while it stops', () => {
    agentHealth(30100);
    expect(agent.sent('agent_health_control_response', 1)[0]).to.include({
      agent_network_address: ADDRESS,
      status: 200,
    });
    agent.input({ kind: 'stop_requested' });
    agentHealth(30101);
    expect(agent.wire).to.deep.equal(['1: agent_health_control_response 503']);
  });

  it('a Manager that asked and then says nothing for lostMs is left', () => {
    agentHealth(30100);
    agent.wait(3000);
    agentHealth(30101);
    agent.wait(4999);
    expect(agent.did('close')).to.deep.equal([]);
    agent.wait(1);
    expect(agent.did('close').map(({ connection }) => connection)).to.deep.equal([1]);
    agent.wait(300);
    expect(agent.did('connect_manager')).to.have.length(1);
  });

  it('a Manager that never asks may be silent for ever', () => {
    agent.wait(600_000);
    expect(agent.did('close')).to.deep.equal([]);
  });
});
