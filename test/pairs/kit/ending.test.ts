/** An instance that ends: graceful shutdown, a person's SIGTERM, no agent; with callers and users under way. */
import { connect } from 'node:net';
import { expect } from 'chai';
import type { LineMessage } from '../../../services/kit/service.ts';
import { Bench, DEST_NODE, grantNext, HeldHandler, SOURCE_NODE, until, type Running } from './node.ts';
import { LineClient } from './line-client.ts';

const PUBLIC_PORT = 18080;
const echo = (request: LineMessage): { type: string; rest: string } => ({ type: 'echo_response', rest: request.rest });

describe('pair: the end of an instance', function () {
  this.timeout(20_000);
  let bench: Bench;
  let port: number;

  beforeEach(() => {
    bench = new Bench();
    port = bench.port();
  });
  afterEach(() => bench.close());

  function graceful({ agent }: Running, instanceId: number): void {
    agent.send({
      type: 'graceful_shutdown_request',
      message_id: 30001,
      sub_type: 'agent_to_service_instance',
      service_name: 'posts-db',
      service_instance_id: instanceId,
    });
  }

  it('R31 the response is the last thing said, after the service has stopped; exit code 0', async () => {
    let stopped = false;
    const dest = await bench.start(
      {
        sockets: { 'posts-socket': echo },
        stop: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          stopped = true;
        },
      },
      { instanceId: 41, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    graceful(dest, 41);
    expect((await dest.agent.next('graceful_shutdown_response')).status).to.equal(200);
    expect(stopped).to.equal(true);
    expect(await dest.ended).to.equal(0);
    await dest.agent.untilClosed();
    expect(dest.agent.received.at(-1)?.type).to.equal('graceful_shutdown_response');
  });

  it('callers get their answers first, plugs work until then; 111 for every session', async () => {
    const held = new HeldHandler();
    await bench.start(
      { sockets: { 'posts-socket': held.handle } },
      { instanceId: 42, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    const middlePort = bench.port();
    const middle = await bench.start(
      (context) => {
        const plug = context.plug('posts-plug');
        return {
          sockets: { 'post-socket': (request) => plug.request(request.type, request.rest) },
          orderedSockets: {},
        };
      },
      {
        instanceId: 43,
        sockets: [{ socket: 'post-socket', port: middlePort }],
        plugs: [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }],
      },
    );
    const caller = await LineClient.connect(SOURCE_NODE, middlePort);
    caller.write('Type: echo_request ~ Message_id: 5 ~ Line_1: x\n');
    await grantNext(middle.agent, DEST_NODE, port);
    await held.count(1);
    middle.instance.stop('SIGTERM');
    await until('it drains', () => middle.instance.driver.state.ending !== null);
    held.release();
    expect(await caller.line()).to.equal('Type: echo_response ~ Message_id: 5 ~ Line_1: x');
    expect((await middle.agent.next('dest_service_session_close_info')).status).to.equal(111);
    expect((await middle.agent.next('source_service_session_close_info')).status).to.equal(111);
    await middle.agent.next('service_instance_termination_info');
    expect(await middle.ended).to.equal(0);
    await caller.untilClosed();
  });

  it('R50 an instance that may not go on answers nothing: its sessions break, and the plug asks elsewhere', async () => {
    const former = await bench.start(
      (context) => ({
        sockets: {
          'posts-socket': async () => {
            context.abandon('another owner');
            return { type: 'echo_response', rest: ' ~ Status: 503' };
          },
        },
      }),
      { instanceId: 46, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    const newPort = bench.port();
    await bench.start(
      { sockets: { 'posts-socket': echo } },
      { instanceId: 47, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port: newPort }] },
    );
    const source = await bench.start(
      {},
      { instanceId: 48, plugs: [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }] },
    );
    const answer = source.context.plug('posts-plug').request('echo_request', ' ~ Line_1: x');
    await grantNext(source.agent, DEST_NODE, port);
    expect((await source.agent.next('source_service_session_close_info')).status).to.equal(122);
    await grantNext(source.agent, DEST_NODE, newPort);
    expect((await answer).rest).to.equal(' ~ Line_1: x');
    expect(await former.ended).to.equal(1);
    expect(former.logs.at(-1)?.msg).to.equal('ends at once: another owner');
  });

  it('R23 users’ connections on a public port are no sessions: answered, closed, never reported', async () => {
    const held = new HeldHandler();
    const gateway = await bench.start(
      { sockets: { 'user-socket': held.handle } },
      { instanceId: 44, sockets: [{ socket: 'user-socket', port: PUBLIC_PORT }] },
    );
    const idle = await LineClient.connect(SOURCE_NODE, PUBLIC_PORT);
    const user = await LineClient.connect(SOURCE_NODE, PUBLIC_PORT);
    const hasty = await LineClient.connect(SOURCE_NODE, PUBLIC_PORT);
    user.write('Type: a_request ~ Message_id: 1\n');
    await held.count(1);
    hasty.destroy();
    graceful(gateway, 44);
    await idle.untilClosed();
    held.release();
    expect(await user.line()).to.equal('Type: echo_response ~ Message_id: 1');
    await user.untilClosed();
    await gateway.agent.next('graceful_shutdown_response');
    expect(gateway.agent.received.map(({ type }) => type)).to.deep.equal([
      'service_instance_health_response',
      'graceful_shutdown_response',
    ]);
    const refused = await new Promise<string>((resolve) => {
      connect(PUBLIC_PORT, SOURCE_NODE)
        .on('connect', () => resolve('connected'))
        .on('error', () => resolve('refused'));
    });
    expect(refused).to.equal('refused');
  });

  it('raw sockets are drained too, and counted in health answers', async () => {
    let drained = false;
    const gateway = await bench.start(
      {
        rawSockets: {
          'user-socket': (_context, given) => {
            expect(given).to.equal(PUBLIC_PORT);
            return Promise.resolve({
              drain: () => {
                drained = true;
                return Promise.resolve();
              },
              load: () => ({ inFlight: 3, requests: 77 }),
            });
          },
        },
      },
      { instanceId: 45, sockets: [{ socket: 'user-socket', port: PUBLIC_PORT }] },
    );
    gateway.agent.send({
      type: 'service_instance_health_request',
      message_id: 30004,
      sub_type: 'agent_to_service_instance',
      service_instance_id: 45,
      service_instance_network_address: SOURCE_NODE,
    });
    const { status, x } = await gateway.agent.next('service_instance_health_response');
    expect(status).to.equal(200);
    expect(x).to.include({ x_in_flight: '3', x_requests: '77' });
    expect(Number(x?.x_load)).to.be.within(0, 1);
    graceful(gateway, 45);
    await gateway.agent.next('graceful_shutdown_response');
    expect(drained).to.equal(true);
  });

  it('R47 an instance without an agent drains and ends with 0', async () => {
    const orphan = await bench.start(
      { sockets: { 'posts-socket': echo } },
      { instanceId: 46, address: DEST_NODE, timerScale: 0.01, sockets: [{ socket: 'posts-socket', port }] },
    );
    const agent = await bench.agent(DEST_NODE);
    await agent.close();
    expect(await orphan.ended).to.equal(0);
  });

  it('a service whose files do not close in time ends all the same', async () => {
    const dest = await bench.start(
      { sockets: { 'posts-socket': echo }, stop: () => new Promise<void>(() => undefined) },
      { instanceId: 47, address: DEST_NODE, timerScale: 0.02, sockets: [{ socket: 'posts-socket', port }] },
    );
    graceful(dest, 47);
    await dest.agent.next('graceful_shutdown_response');
    expect(await dest.ended).to.equal(0);
  });
});
