/** Two instances and real TCP between them: a session opened, moved, broken, closed, while requests are under way. */
import { createServer } from 'node:net';
import { expect } from 'chai';
import { firstSourcePort } from '../../../services/kit/core/ports.ts';
import { PlugError, type LineMessage, type Plug } from '../../../services/kit/service.ts';
import {
  Bench,
  closeAtDest,
  closeAtSource,
  DEST_NODE,
  grant,
  grantNext,
  HeldHandler,
  SOURCE_NODE,
  until,
  type Running,
} from './node.ts';

const PLUGS = [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }];
const echo = (request: LineMessage): { type: string; rest: string } => ({ type: 'echo_response', rest: request.rest });

describe('pair: sessions of the kit', function () {
  this.timeout(20_000);
  let bench: Bench;
  let port: number;

  beforeEach(() => {
    bench = new Bench();
    port = bench.port();
  });
  afterEach(() => bench.close());

  function startSource(instanceId: number, timerScale = 1): Promise<Running> {
    return bench.start({}, { instanceId, plugs: PLUGS, timerScale });
  }

  function startDest(instanceId: number, handler: HeldHandler | null = null, destPort = port): Promise<Running> {
    return bench.start(
      { sockets: { 'posts-socket': handler === null ? echo : handler.handle } },
      {
        serviceName: 'posts-db',
        instanceId,
        address: DEST_NODE,
        sockets: [{ socket: 'posts-socket', port: destPort }],
      },
    );
  }

  async function send(plug: Plug, text: string, affinity?: string): Promise<string> {
    const options = affinity === undefined ? {} : { affinity };
    return (await plug.request('echo_request', ` ~ Line_1: ${text}`, options)).rest;
  }

  it('R18 R22 the first request opens a session from the node’s own address; the next ones use it', async () => {
    const keys: string[] = [];
    await bench.start(
      {
        sockets: {
          'posts-socket': (request, session) => {
            keys.push(session.key);
            return echo(request);
          },
        },
      },
      { instanceId: 21, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
    const source = await startSource(11);
    const plug = source.context.plug('posts-plug');
    const answers = Promise.all([send(plug, 'a'), send(plug, 'b')]);
    const ack = await grantNext(source.agent, DEST_NODE, port);
    expect(ack).to.include({ status: 200, source_plug_port: firstSourcePort(11), dest_socket_new_port: port });
    expect(await answers).to.deep.equal([' ~ Line_1: a', ' ~ Line_1: b']);
    expect(await send(plug, 'c')).to.equal(' ~ Line_1: c');
    expect(new Set(keys)).to.deep.equal(new Set([`${SOURCE_NODE}:${firstSourcePort(11)}-${DEST_NODE}:${port}`]));
    expect(source.agent.received.filter(({ type }) => type === 'session_request')).to.have.length(1);
  });

  it('R22 goes on to the next source port when one is taken', async () => {
    await startDest(21);
    const source = await startSource(12);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(firstSourcePort(12), SOURCE_NODE, resolve));
    try {
      const answer = send(source.context.plug('posts-plug'), 'a');
      const ack = await grantNext(source.agent, DEST_NODE, port);
      expect(ack.source_plug_port).to.equal(firstSourcePort(12) + 1);
      expect(await answer).to.equal(' ~ Line_1: a');
    } finally {
      stranger.close();
    }
  });

  it('R33 a refused connection is acknowledged with 502, the plug asks again, the request is served', async () => {
    await startDest(21);
    const source = await startSource(13);
    const answer = send(source.context.plug('posts-plug'), 'a');
    expect((await grantNext(source.agent, DEST_NODE, bench.port())).status).to.equal(502);
    expect((await grantNext(source.agent, DEST_NODE, port)).status).to.equal(200);
    expect(await answer).to.equal(' ~ Line_1: a');
  });

  it('the Manager closes at the source: what is under way finishes, new requests take another session meanwhile', async () => {
    const old = new HeldHandler();
    const dest = await startDest(21, old);
    const nextPort = bench.port();
    await startDest(22, null, nextPort);
    const source = await startSource(14);
    const plug = source.context.plug('posts-plug');
    const underWay = send(plug, 'under way');
    const ack = await grantNext(source.agent, DEST_NODE, port);
    await old.count(1);
    closeAtSource(source.agent, 14, ack.source_plug_port as number, port);
    // Nobody has sent anything new: the plug asks for the next session by itself, because this one was in use.
    expect((await grantNext(source.agent, DEST_NODE, nextPort)).status).to.equal(200);
    expect(await send(plug, 'new')).to.equal(' ~ Line_1: new');
    expect(source.agent.received.some(({ type }) => type === 'source_service_session_close_response')).to.equal(false);
    old.release();
    expect(await underWay).to.equal(' ~ Line_1: under way');
    expect((await source.agent.next('source_service_session_close_response')).status).to.equal(200);
    // R42: the end that was asked answers; the other one reports a clean end.
    expect((await dest.agent.next('dest_service_session_close_info')).status).to.equal(111);
    expect(old.held).to.have.length(1);
    expect(source.agent.received.some(({ type }) => type === 'source_service_session_close_info')).to.equal(false);
  });

  it('what cannot finish in time is sent again on the next session, and answered once', async () => {
    const hanging = new HeldHandler();
    await startDest(21, hanging);
    const nextPort = bench.port();
    await startDest(22, null, nextPort);
    const source = await startSource(15, 0.05);
    const answers = Promise.all(['a', 'b', 'c'].map((text) => send(source.context.plug('posts-plug'), text)));
    const ack = await grantNext(source.agent, DEST_NODE, port);
    await hanging.count(3);
    closeAtSource(source.agent, 15, ack.source_plug_port as number, port);
    expect((await grantNext(source.agent, DEST_NODE, nextPort)).status).to.equal(200);
    expect((await source.agent.next('source_service_session_close_response')).status).to.equal(200);
    expect(await answers).to.deep.equal([' ~ Line_1: a', ' ~ Line_1: b', ' ~ Line_1: c']);
    hanging.release();
  });

  it('an answer that comes from the old session after all is dropped, and confuses nobody', async () => {
    const slow = new HeldHandler();
    await startDest(21, slow);
    const nextPort = bench.port();
    const next = new HeldHandler();
    await startDest(22, next, nextPort);
    const source = await startSource(33, 0.05);
    const plug = source.context.plug('posts-plug');
    let answered = 0;
    const answer = send(plug, 'a').finally(() => (answered += 1));
    const ack = await grantNext(source.agent, DEST_NODE, port);
    await slow.count(1);
    closeAtSource(source.agent, 33, ack.source_plug_port as number, port);
    await grantNext(source.agent, DEST_NODE, nextPort);
    await next.count(1);
    slow.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).to.equal(0);
    next.release();
    expect(await answer).to.equal(' ~ Line_1: a');
    expect(await send(plug, 'b')).to.equal(' ~ Line_1: b');
  });

  it('a session that breaks: its unanswered requests are sent again, in order, and 122 is reported', async () => {
    const first = new HeldHandler();
    const dying = await startDest(21, first);
    const nextPort = bench.port();
    const second = new HeldHandler();
    await startDest(22, second, nextPort);
    second.release();
    const source = await startSource(16);
    const plug = source.context.plug('posts-plug');
    const texts = Array.from({ length: 50 }, (_, n) => `n${n}`);
    const answers = Promise.all(texts.map((text) => send(plug, text)));
    await grantNext(source.agent, DEST_NODE, port);
    await first.count(50);
    dying.instance.destroy();
    expect((await source.agent.next('source_service_session_close_info')).status).to.equal(122);
    await grantNext(source.agent, DEST_NODE, nextPort);
    expect(await answers).to.deep.equal(texts.map((text) => ` ~ Line_1: ${text}`));
    expect(second.held.map(({ rest }) => rest)).to.deep.equal(texts.map((text) => ` ~ Line_1: ${text}`));
  });

  it('the Manager closes at the destination: what is under way is answered, what comes then is the plug’s to send elsewhere', async () => {
    const old = new HeldHandler();
    const dest = await startDest(21, old);
    const nextPort = bench.port();
    await startDest(22, null, nextPort);
    const source = await startSource(17);
    const plug = source.context.plug('posts-plug');
    const underWay = send(plug, 'under way');
    const ack = await grantNext(source.agent, DEST_NODE, port);
    await old.count(1);
    closeAtDest(dest.agent, 21, ack.source_plug_port as number, port);
    await until('the destination drains', () =>
      [...dest.instance.driver.state.dests.values()].every(({ closing }) => closing !== null),
    );
    const late = send(plug, 'late');
    // The late one has surely arrived when the one after it on another connection of the same kind would have.
    await new Promise((resolve) => setTimeout(resolve, 20));
    old.release();
    expect(await underWay).to.equal(' ~ Line_1: under way');
    expect((await dest.agent.next('dest_service_session_close_response')).status).to.equal(200);
    await grantNext(source.agent, DEST_NODE, nextPort);
    expect(await late).to.equal(' ~ Line_1: late');
    expect(old.held, 'the late request was not executed there').to.have.length(1);
    expect(dest.agent.received.some(({ type }) => type === 'dest_service_session_close_info')).to.equal(false);
  });

  it('R35 a plug closes a session that nobody uses; both ends report 111', async () => {
    const dest = await startDest(21);
    const source = await startSource(18, 0.01);
    const plug = source.context.plug('posts-plug');
    const answer = send(plug, 'a');
    await grantNext(source.agent, DEST_NODE, port);
    await answer;
    expect((await source.agent.next('source_service_session_close_info')).status).to.equal(111);
    expect((await dest.agent.next('dest_service_session_close_info')).status).to.equal(111);
    const again = send(plug, 'b');
    await grantNext(source.agent, DEST_NODE, port);
    expect(await again).to.equal(' ~ Line_1: b');
  });

  it('R37 503: tries again until a session is granted; 403: fails the request at once', async () => {
    await startDest(21);
    const source = await startSource(19);
    const plug = source.context.plug('posts-plug');
    const answer = send(plug, 'a');
    for (let n = 0; n < 3; n += 1) {
      const request = await source.agent.next('session_request');
      grant(source.agent, request.message_id, DEST_NODE, port, { status: 503 });
    }
    await grantNext(source.agent, DEST_NODE, port);
    expect(await answer).to.equal(' ~ Line_1: a');

    const other = await startSource(20);
    const refused = send(other.context.plug('posts-plug'), 'b').catch((error: unknown) => error);
    const request = await other.agent.next('session_request');
    grant(other.agent, request.message_id, DEST_NODE, port, { status: 403 });
    const error = (await refused) as PlugError;
    expect(error).to.be.instanceOf(PlugError);
    expect(error.status).to.equal(503);
    expect(error.message).to.contain('session_response 403, not an edge of the graph');
  });

  it('deadlines: 503 where nobody took the request, 504 where nobody answered it; the session goes on', async () => {
    const held = new HeldHandler();
    await startDest(21, held);
    const source = await startSource(31);
    const plug = source.context.plug('posts-plug');
    const statusOf = (deadlineMs: number): Promise<number> =>
      plug.request('echo_request', '', { deadlineMs }).then(
        () => 200,
        (error: PlugError) => error.status,
      );
    const unserved = statusOf(100);
    const request = await source.agent.next('session_request');
    expect(await unserved).to.equal(503);
    const unanswered = statusOf(100);
    grant(source.agent, request.message_id, DEST_NODE, port);
    await source.agent.next('session_ack');
    expect(await unanswered).to.equal(504);
    await held.count(1);
    held.release();
    expect(await statusOf(2000)).to.equal(200);
  });

  it('R39 R43 an agent that comes back hears hello and the ack again; requests go on meanwhile', async () => {
    await startDest(21);
    const source = await startSource(32);
    const plug = source.context.plug('posts-plug');
    const answer = send(plug, 'a');
    const ack = await grantNext(source.agent, DEST_NODE, port);
    await answer;
    const agent = await bench.agent(SOURCE_NODE);
    source.agent.close();
    expect(await send(plug, 'without an agent')).to.equal(' ~ Line_1: without an agent');
    const again = await agent.accept();
    await again.next('service_instance_health_response');
    expect(await again.next('session_ack')).to.deep.equal(ack);
  });
});
