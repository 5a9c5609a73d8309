/** What an agent says that it should not, or says otherwise. */
import { expect } from 'chai';
import { MESSAGE_TYPES, subTypeOn } from '../../../ssmmp/core/catalog.ts';
import { ADDRESS, TestInstance } from './test-instance.ts';

describe('kit: what the agent says', () => {
  it('R03 answers what it cannot read with the matching response and 400, and closes at the third', () => {
    const instance = new TestInstance().begin();
    instance.fromAgent(
      'type: service_instance_health_request ~ message_id: 30001 ~ sub_type: agent_to_service_instance',
    );
    expect(instance.lines).to.deep.equal([
      'type: service_instance_health_response ~ message_id: 30001 ~ sub_type: service_instance_to_agent ~ service_instance_id: 7 ~ status: 400',
    ]);
    instance.fromAgent(
      'type: graceful_shutdown_request ~ message_id: 30002 ~ sub_type: agent_to_service_instance ~ service_name: ~~',
    );
    expect(instance.sent('graceful_shutdown_response').map(({ status }) => status)).to.deep.equal([400]);
    expect(instance.did('close_agent')).to.deep.equal([]);
    instance.fromAgent('\x00garbage');
    expect(instance.lines).to.deep.equal([]);
    expect(instance.did('close_agent')).to.have.length(1);
  });

  it('R03 counts by connection', () => {
    const instance = new TestInstance().begin();
    instance.fromAgent('garbage');
    instance.fromAgent('garbage');
    instance.input({ kind: 'agent_closed', why: 'reset', jitter: 0 });
    instance.wait(100);
    instance.input({ kind: 'agent_connected' });
    instance.fromAgent('garbage');
    expect(instance.did('close_agent')).to.deep.equal([]);
  });

  it('R07 a message over 64 KiB closes the connection', () => {
    const instance = new TestInstance().begin();
    instance.input({ kind: 'oversized_received' });
    expect(instance.did('close_agent')).to.have.length(1);
  });

  it('refuses every message that is not for an instance', () => {
    for (const type of MESSAGE_TYPES) {
      if (subTypeOn(type, 'agent', 'instance') !== undefined) continue;
      const instance = new TestInstance().begin();
      instance.fromAgent(`type: ${type} ~ message_id: 5`);
      expect(instance.state.offences, type).to.equal(1);
      expect(instance.did('log').map(({ level }) => level)).to.deep.equal(['warn']);
    }
  });

  it('refuses a message on the Manager’s hop', () => {
    const instance = new TestInstance().begin();
    instance.fromAgent(
      `type: service_instance_health_request ~ message_id: 30001 ~ sub_type: Manager_to_agent ~ service_instance_id: 7 ~ service_instance_network_address: ${ADDRESS}`,
    );
    expect(instance.sent('service_instance_health_response').map(({ status }) => status)).to.deep.equal([400]);
    expect(instance.did('measure')).to.deep.equal([]);
  });

  it('R24 reads the listing’s spellings: health_control_request, agent_to_service', () => {
    const instance = new TestInstance().begin();
    instance.fromAgent(
      `type: health_control_request ~ message_id: 30001 ~ sub_type: agent_to_service ~ service_instance_id: 7 ~ service_instance_network_address: ${ADDRESS}`,
    );
    expect(instance.did('measure')).to.have.length(1);
    const key = instance.accept();
    instance.fromAgent(
      `type: dest_service_session_close_request ~ message_id: 30002 ~ sub_type: agent_to_service ~ dest_service_name: post ~ dest_service_instance_id: 7 ~ dest_service_instance_network_address: ${ADDRESS} ~ source_service_instance_network_address: 127.0.49.12 ~ source_plug_name: p ~ source_plug_port: 20001 ~ dest_socket_name: post-socket ~ dest_socket_port: 54001 ~ dest_socket_new_port: 54001`,
    );
    expect(instance.did('drain')).to.deep.equal([{ kind: 'drain', side: 'dest', key }]);
  });

  it('reads by name: lines in another order, unknown lines after them', () => {
    const instance = new TestInstance().begin();
    instance.fromAgent(
      `message_id: 30001 ~ sub_type: agent_to_service_instance ~ service_instance_network_address: ${ADDRESS} ~ service_instance_id: 7 ~ type: service_instance_health_request ~ x_new: 1`,
    );
    expect(instance.did('measure')).to.have.length(1);
  });
});
