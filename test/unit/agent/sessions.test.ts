// Relay of the messages about sessions, in both directions.
import { expect } from 'chai';
import { REQUESTS_PER_INSTANCE_MAX } from '../../../agent/core/limits.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import {
  ack,
  ADDRESS,
  closeRequest,
  closeResponse,
  hello,
  sessionRequest,
  sessionResponse,
  TestAgent,
} from './test-agent.ts';

const CLOSE_INFO: Message<'source_service_session_close_info'> = {
  type: 'source_service_session_close_info',
  message_id: 1002,
  sub_type: 'source_service_to_agent',
  source_service_name: 'post',
  source_service_instance_id: 5,
  source_service_instance_network_address: ADDRESS,
  source_plug_name: 'P',
  source_plug_port: 20001,
  dest_service_name: 'store',
  dest_service_instance_id: 9,
  dest_service_instance_network_address: '127.0.48.12',
  dest_socket_name: 'T',
  dest_socket_port: 54009,
  dest_socket_new_port: 54009,
  status: 111,
};

const DEST_CLOSE_INFO: Message<'dest_service_session_close_info'> = {
  type: 'dest_service_session_close_info',
  message_id: 1003,
  sub_type: 'dest_service_to_agent',
  source_service_instance_network_address: '127.0.48.12',
  source_plug_name: '-',
  source_plug_port: 20001,
  dest_service_name: 'post',
  dest_service_instance_network_address: ADDRESS,
  dest_service_instance_id: null,
  dest_socket_name: 'S',
  dest_socket_port: 54005,
  dest_socket_new_port: 54005,
  status: 122,
};

describe('agent: sessions', () => {
  let agent: TestAgent;
  beforeEach(() => {
    agent = new TestAgent().begin();
    agent.ready(5);
    agent.ready(6);
  });

  it('passes a request up and its response down, with the sub_type of the hop', () => {
    agent.from(105, sessionRequest(5));
    expect(agent.sent('session_request', 1)[0]).to.deep.equal({ ...sessionRequest(5), sub_type: 'agent_to_Manager' });
    agent.fromManager(sessionResponse(5));
    expect(agent.sent('session_response', 105)[0]).to.deep.equal({
      ...sessionResponse(5),
      sub_type: 'agent_to_service',
    });
  });

  it('R10 the same message_id of two instances is two exchanges', () => {
    agent.from(105, sessionRequest(5, 1000));
    agent.from(106, sessionRequest(6, 1000));
    agent.fromManager(sessionResponse(6, 1000));
    expect(agent.wire).to.deep.equal(['106: session_response 200']);
    agent.fromManager(sessionResponse(5, 1000, 503));
    expect(agent.wire).to.deep.equal(['105: session_response 503']);
  });

  it('R29, R37 a response without a source goes to the only request with its message_id', () => {
    const blank = { ...sessionResponse(5, 1000, 400), source_service_name: null, source_service_instance_id: null };
    agent.from(105, sessionRequest(5, 1000));
    agent.fromManager(blank);
    expect(agent.wire).to.deep.equal(['105: session_response 400']);
    agent.from(105, sessionRequest(5, 1001));
    agent.from(106, sessionRequest(6, 1001));
    agent.fromManager({ ...blank, message_id: 1001 });
    expect(agent.wire, 'two could be meant: none gets it').to.deep.equal([]);
  });

  it('a response that nobody waits for is dropped', () => {
    agent.fromManager(sessionResponse(5));
    expect(agent.wire).to.deep.equal([]);
    agent.from(105, sessionRequest(5));
    agent.fromManager(sessionResponse(5));
    agent.fromManager(sessionResponse(5));
    expect(agent.wire).to.deep.equal([]);
  });

  it('passes acks and both reports of a close up', () => {
    agent.from(105, ack(5));
    expect(agent.sent('session_ack', 1)[0]).to.deep.equal({ ...ack(5), sub_type: 'agent_to_Manager' });
    agent.from(105, CLOSE_INFO);
    expect(agent.sent('source_service_session_close_info', 1)[0]?.sub_type).to.equal('agent_to_Manager');
    agent.from(105, DEST_CLOSE_INFO);
    expect(agent.sent('dest_service_session_close_info', 1)[0]).to.deep.equal({
      ...DEST_CLOSE_INFO,
      sub_type: 'agent_to_Manager',
    });
  });

  it('R29 passes a close request down, and finds it by (connection, message_id) when it is answered', () => {
    agent.fromManager(closeRequest(5, 30100));
    expect(agent.sent('source_service_session_close_request', 105)[0]?.sub_type).to.equal('agent_to_source_service');
    agent.from(106, closeResponse(30100));
    expect(agent.wire, 'another instance cannot answer it').to.deep.equal([]);
    agent.from(105, closeResponse(30100));
    expect(agent.sent('source_service_session_close_response', 1)[0]).to.deep.equal({
      ...closeResponse(30100),
      sub_type: 'agent_to_Manager',
    });
    agent.from(105, closeResponse(30100));
    expect(agent.wire, 'and it is answered once').to.deep.equal([]);
  });

  it('passes a close request to the destination end by its id', () => {
    const request: Message<'dest_service_session_close_request'> = {
      type: 'dest_service_session_close_request',
      message_id: 30101,
      sub_type: 'Manager_to_agent',
      dest_service_name: 'post',
      dest_service_instance_id: 6,
      dest_service_instance_network_address: ADDRESS,
      source_service_instance_network_address: '127.0.48.12',
      source_plug_name: 'P',
      source_plug_port: 20001,
      dest_socket_name: 'S',
      dest_socket_port: 54006,
      dest_socket_new_port: 54006,
    };
    agent.fromManager(request);
    expect(agent.sent('dest_service_session_close_request', 106)[0]?.sub_type).to.equal('agent_to_dest_service');
    agent.from(106, {
      type: 'dest_service_session_close_response',
      message_id: 30101,
      sub_type: 'dest_service_to_agent',
      status: 404,
    });
    expect(agent.wire).to.deep.equal(['1: dest_service_session_close_response 404']);
  });

  it('R44 a close request for an instance that is not here is 404', () => {
    agent.fromManager(closeRequest(77, 30100));
    expect(agent.wire).to.deep.equal(['1: source_service_session_close_response 404']);
  });

  it('R29 the table has deadlines: an answer after them goes nowhere', () => {
    agent.fromManager(closeRequest(5, 30100));
    agent.wait(15_000);
    expect(agent.state.asked.size).to.equal(0);
    agent.from(105, closeResponse(30100));
    expect(agent.wire).to.deep.equal([]);
  });

  it('a response of another type than the request asked for is none', () => {
    agent.fromManager(closeRequest(5, 30100));
    agent.from(105, {
      ...closeResponse(30100),
      type: 'dest_service_session_close_response',
      sub_type: 'dest_service_to_agent',
    } as Message);
    expect(agent.wire).to.deep.equal([]);
  });

  it('R47 without a Manager requests and reports are kept, and sent after the next registration in order', () => {
    agent.closed(1);
    agent.from(105, sessionRequest(5, 1001));
    agent.from(105, ack(5, 1000));
    agent.from(105, CLOSE_INFO);
    expect(agent.wire).to.deep.equal([]);
    agent.wait(300);
    agent.connectManager();
    agent.from(106, sessionRequest(6, 1000));
    expect(agent.wire, 'not yet admitted').to.deep.equal([]);
    agent.fromManager({
      type: 'initiation_response',
      message_id: agent.state.link.requestId,
      sub_type: null,
      status: 200,
    });
    expect(agent.wire).to.deep.equal([
      '2: session_ack 200',
      '2: source_service_session_close_info 111',
      '2: session_request',
      '2: session_request',
    ]);
  });

  it('R47 a request that the lost Manager had not answered is sent again', () => {
    agent.from(105, sessionRequest(5));
    agent.closed(1);
    agent.wait(300);
    agent.register();
    expect(agent.wire).to.deep.equal(['2: session_request']);
    agent.fromManager(sessionResponse(5));
    expect(agent.wire).to.deep.equal(['105: session_response 200']);
    agent.closed(2);
    agent.wait(300);
    agent.register();
    expect(agent.wire, 'an answered one is not').to.deep.equal([]);
  });

  it('a report that the Manager may not have read is sent again, an older one is not', () => {
    agent.from(105, ack(5, 1000));
    agent.wait(7000);
    agent.fromManager({
      type: 'agent_health_control_request',
      message_id: 30200,
      sub_type: 'Manager_to_agent',
      agent_network_address: ADDRESS,
    });
    agent.from(105, CLOSE_INFO);
    agent.closed(1);
    agent.wait(300);
    agent.register();
    expect(agent.wire).to.deep.equal(['2: source_service_session_close_info 111']);
  });

  it('R43 a Manager that speaks and may not hear gives the connection up after lostMs: until then reports are kept', () => {
    agent.from(105, ack(5, 1000));
    agent.wait(5000);
    agent.fromManager({
      type: 'agent_health_control_request',
      message_id: 30200,
      sub_type: 'Manager_to_agent',
      agent_network_address: ADDRESS,
    });
    agent.from(105, CLOSE_INFO);
    agent.closed(1);
    agent.wait(300);
    agent.register();
    expect(agent.wire).to.deep.equal(['2: session_ack 200', '2: source_service_session_close_info 111']);
  });

  it('R43 a connection that only the Manager’s system has taken is no word of the Manager: reports are kept', () => {
    agent.from(105, ack(5, 1000));
    agent.wait(7000);
    agent.closed(1);
    agent.wait(300);
    agent.connectManager();
    agent.from(105, CLOSE_INFO);
    agent.fromManager({
      type: 'initiation_response',
      message_id: agent.state.link.requestId,
      sub_type: null,
      status: 200,
    });
    expect(agent.wire).to.deep.equal(['2: session_ack 200', '2: source_service_session_close_info 111']);
  });

  it('R11 an answer to a Manager that is gone is dropped', () => {
    agent.fromManager(closeRequest(5, 30100));
    agent.closed(1);
    agent.wait(300);
    agent.register();
    agent.from(105, closeResponse(30100));
    expect(agent.wire).to.deep.equal([]);
  });

  it('an instance that asks again after it connected again gets one answer, on the new connection', () => {
    agent.from(105, sessionRequest(5));
    agent.closed(105);
    agent.hello(5, 205);
    agent.from(205, sessionRequest(5));
    expect(agent.wire, 'the Manager is at it').to.deep.equal([]);
    agent.fromManager(sessionResponse(5));
    expect(agent.wire).to.deep.equal(['205: session_response 200']);
  });

  it('what comes down while an instance has no connection waits for it', () => {
    agent.from(105, sessionRequest(5));
    agent.closed(105);
    agent.fromManager(sessionResponse(5));
    agent.fromManager(closeRequest(5, 30100));
    expect(agent.wire).to.deep.equal([]);
    agent.wait(200);
    agent.hello(5, 205);
    expect(agent.wire).to.deep.equal(['205: session_response 200', '205: source_service_session_close_request']);
    agent.from(205, closeResponse(30100));
    expect(agent.wire).to.deep.equal(['1: source_service_session_close_response 200']);
  });

  it('what it was asked on a connection that broke is asked again on the next', () => {
    agent.fromManager(closeRequest(5, 30100));
    agent.closed(105);
    agent.hello(5, 205);
    expect(agent.wire).to.deep.equal(['205: source_service_session_close_request']);
  });

  it('what waits too long for an instance is forgotten', () => {
    agent.from(105, sessionRequest(5));
    agent.closed(105);
    agent.fromManager(sessionResponse(5));
    agent.wait(5000);
    agent.hello(5, 205);
    expect(agent.wire).to.deep.equal([]);
  });

  it('a request that nobody answers within sessionRequestMs is answered 504', () => {
    agent.from(105, sessionRequest(5));
    agent.wait(14_999);
    expect(agent.wire).to.deep.equal([]);
    agent.wait(1);
    expect(agent.wire).to.deep.equal(['105: session_response 504']);
    expect(agent.sent('session_response')[0]).to.include({
      dest_service_name: 'store',
      dest_service_instance_id: null,
    });
    agent.fromManager(sessionResponse(5));
    expect(agent.wire).to.deep.equal([]);
  });

  it(`R29 more than ${REQUESTS_PER_INSTANCE_MAX} unanswered requests of one instance: 429`, () => {
    for (let id = 0; id < REQUESTS_PER_INSTANCE_MAX; id += 1) agent.from(105, sessionRequest(5, 1000 + id));
    agent.from(105, sessionRequest(5, 9999));
    expect(agent.wire).to.deep.equal(['105: session_response 429']);
    agent.from(106, sessionRequest(6, 9999));
    expect(agent.wire, 'another instance is not affected').to.deep.equal(['1: session_request']);
  }).timeout(30_000);

  it('R45 x_ lines of a health answer are passed on', () => {
    agent.fromManager({
      type: 'service_instance_health_request',
      message_id: 30300,
      sub_type: 'Manager_to_agent',
      service_instance_id: 5,
      service_instance_network_address: ADDRESS,
    });
    agent.from(105, {
      ...hello(5),
      message_id: 30300,
      status: 199,
      x: { x_load: '0.9', x_in_flight: '12', x_requests: '400' },
    });
    expect(agent.sent('service_instance_health_response', 1)[0]).to.deep.include({
      status: 199,
      x: { x_load: '0.9', x_in_flight: '12', x_requests: '400' },
    });
  });
});
