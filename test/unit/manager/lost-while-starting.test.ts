/** An instance that was starting on a node that is lost: replaced, ended when the node is back, or asked for again. */
import { expect } from 'chai';
import { sessionRequest, smallCluster } from './harness.ts';

const HERE = '127.0.0.11';

describe('Manager: lost while starting', () => {
  it('R46 R49 one that was starting when its node was lost is replaced with the others, and killed when the node is back', () => {
    const { m, agent, gate, store } = smallCluster();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ['front'], { x_node: 'n2' });
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    expect(start.on).to.equal(other);
    const third = m.open('127.0.0.13');
    m.register(third, '127.0.0.13', ['front'], { x_node: 'n3' });
    m.closeConnection(other);
    const replacement = m.one('execution_request', m.pass(5500));
    expect(replacement).to.include({ on: third, service_name: 'front' });
    m.started(third, replacement.message_id);
    expect(m.one('session_response')).to.deep.include({
      status: 200,
      dest_service_instance_id: replacement.service_instance_id,
    });

    // Its process may have come up meanwhile, or may not: its agent knows, and answers 404 or kills it.
    const back = m.open('127.0.0.12');
    const { service_instance_id: extra } = start;
    m.register(back, '127.0.0.12', ['front'], { x_node: 'n2', x_running_instances: String(extra) });
    const hard = m.one('hard_shutdown_request');
    expect(hard).to.include({ on: back, service_instance_id: extra });
    expect(m.sent('execution_request')).to.deep.equal([]);
    m.say(back, {
      type: 'hard_shutdown_response',
      message_id: hard.message_id,
      sub_type: 'agent_to_Manager',
      service_instance_id: extra,
      status: 200,
    });
    expect([...m.state.instances.keys()]).to.have.members([gate, store, replacement.service_instance_id]);
  });

  it('R49 one that was starting when its node was lost, and was not replaced, is asked for again', () => {
    const { m, agent, gate } = smallCluster();
    const other = m.open('127.0.0.12');
    m.register(other, '127.0.0.12', ['front'], { x_node: 'n2' });
    m.say(agent, sessionRequest(1000, ['gate', gate], 'front-plug', 'front-socket', 'front'));
    const start = m.one('execution_request');
    m.say(agent, {
      type: 'initiation_request',
      message_id: 2,
      sub_type: null,
      agent_network_address: HERE,
      service_repository: ['gate', 'store'],
      x: { x_node: 'n1', x_running_instances: '1, 2' },
    });
    m.closeConnection(other);
    expect(m.sent('execution_request', m.pass(5500)), 'there is no other node for it').to.deep.equal([]);
    m.register(m.open('127.0.0.12'), '127.0.0.12', ['front'], { x_node: 'n2', x_running_instances: '' });
    const again = m.one('execution_request');
    expect(again.service_instance_id).to.equal(start.service_instance_id);
    m.started(again.on, again.message_id);
    expect(m.one('session_response').status).to.equal(200);
  });
});
