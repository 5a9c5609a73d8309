/** Anything on a service socket: it is answered or closed within named limits, and nobody else notices. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CONNECTIONS_MAX } from '../../../services/kit/shell/listener.ts';
import { REQUEST_BYTES_MAX, SESSION_IN_FLIGHT_HIGH } from '../../../services/kit/shell/dest-session.ts';
import { Bench, DEST_NODE, HeldHandler, until, type Running } from './node.ts';
import { LineClient } from './line-client.ts';

describe('pair: garbage on a service socket', function () {
  this.timeout(60_000);
  let bench: Bench;
  let port: number;
  let held: HeldHandler;
  let dest: Running;

  before(async () => {
    bench = new Bench();
    port = bench.port();
    held = new HeldHandler();
    dest = await bench.start(
      {
        sockets: {
          'posts-socket': (request) => {
            if (request.type === 'hold_request') return held.handle(request);
            if (request.type === 'throw_request') throw new Error('a bug of the service');
            if (request.type === 'reject_request') return Promise.reject(new Error('another bug'));
            return { type: 'echo_response', rest: request.rest };
          },
        },
      },
      { instanceId: 51, address: DEST_NODE, sockets: [{ socket: 'posts-socket', port }] },
    );
  });
  after(() => bench.close());

  async function stillServes(client: LineClient): Promise<void> {
    client.write('Type: echo_request ~ Message_id: 7 ~ Line_1: still here\n');
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 7 ~ Line_1: still here');
  }

  it('a line that is no message is answered with error_response 400 and its connection closed, no other', async () => {
    const good = await LineClient.connect(DEST_NODE, port);
    const bad = await LineClient.connect(DEST_NODE, port);
    bad.write('Type: echo_request ~ Message_id: 9 ~ Line_1: fine\nGET / HTTP/1.1\n');
    expect(await bad.line()).to.equal('Type: echo_response ~ Message_id: 9 ~ Line_1: fine');
    expect(await bad.line()).to.match(
      /^Type: error_response ~ Message_id: 0 ~ Status: 400 ~ Line_3: expected 'Type: t /,
    );
    await bad.untilClosed();
    await stillServes(good);
    expect((await dest.agent.next('dest_service_session_close_info')).status).to.equal(122);
    good.destroy();
  });

  it('a line longer than a request may be closes the connection; one that is just as long does not', async () => {
    const rest = (bytes: number): string =>
      ' ~ Line_1: '.padEnd(bytes - 'Type: echo_request ~ Message_id: 9'.length, 'x');
    const client = await LineClient.connect(DEST_NODE, port);
    client.write(`Type: echo_request ~ Message_id: 9${rest(REQUEST_BYTES_MAX)}\n`);
    expect((await client.line()).length).to.equal(REQUEST_BYTES_MAX + 1);
    client.write(`Type: echo_request ~ Message_id: 9${rest(REQUEST_BYTES_MAX + 1)}\n`);
    await client.untilClosed();

    const endless = await LineClient.connect(DEST_NODE, port);
    endless.write('x'.repeat(REQUEST_BYTES_MAX + 2));
    await endless.untilClosed();
  });

  it('a line that never ends is waited for 30 s (times the timers’ factor), however its bytes drip; silence is not cut', async () => {
    const quick = await bench.start(
      { sockets: { 'quick-socket': (request) => ({ type: 'echo_response', rest: request.rest }) } },
      {
        instanceId: 53,
        address: DEST_NODE,
        sockets: [{ socket: 'quick-socket', port: port + 500 }],
        timerScale: 0.005,
      },
    );
    const silent = await LineClient.connect(DEST_NODE, port + 500);
    const dripping = await LineClient.connect(DEST_NODE, port + 500);
    const drip = setInterval(() => dripping.write('x'), 10);
    await dripping.untilClosed();
    clearInterval(drip);
    await stillServes(silent);
    silent.destroy();
    quick.instance.destroy();
  });

  it('reads lines however they are cut, byte by byte too', async () => {
    const client = await LineClient.connect(DEST_NODE, port);
    client.socket.setNoDelay(true);
    for (const letter of 'Type: echo_request ~ Message_id: 3 ~ Line_1: slow\r\nType: echo_req') {
      client.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 3 ~ Line_1: slow');
    client.write('uest ~ Message_id: 4\nType: echo_request ~ Message_id: 5\n');
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 4');
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 5');
    client.destroy();
  });

  it('a handler that throws or rejects is answered 500 and logged; the session goes on', async () => {
    const client = await LineClient.connect(DEST_NODE, port);
    for (const type of ['throw_request', 'reject_request']) {
      client.write(`Type: ${type} ~ Message_id: 9\n`);
      expect(await client.line()).to.match(
        new RegExp(`^Type: ${type.replace('request', 'response')} ~ Message_id: 9 ~ Status: 500 ~ Line_3: `),
      );
    }
    expect(dest.logs.filter(({ level }) => level === 'error').map(({ msg }) => msg)).to.have.length(2);
    await stillServes(client);
    client.destroy();
  });

  it('whoever sends and closes its side still gets its answers', async () => {
    const client = await LineClient.connect(DEST_NODE, port);
    client.write('Type: hold_request ~ Message_id: 1\nType: echo_request ~ Message_id: 2\n');
    client.end();
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 2');
    held.release();
    expect(await client.line()).to.equal('Type: echo_response ~ Message_id: 1');
    await client.untilClosed();
  });

  it('too many requests under way: is read no further until some are answered; all are', async () => {
    const slow = new HeldHandler();
    const slowPort = bench.port();
    const instance = await bench.start(
      { sockets: { 'slow-socket': slow.handle } },
      { instanceId: 52, serviceName: 'slow', address: DEST_NODE, sockets: [{ socket: 'slow-socket', port: slowPort }] },
    );
    const client = await LineClient.connect(DEST_NODE, slowPort);
    const total = 3 * SESSION_IN_FLIGHT_HIGH;
    // Long lines, so that they do not all fit into one chunk.
    const filler = 'x'.repeat(1000);
    for (let id = 1; id <= total; id += 1) client.write(`Type: a_request ~ Message_id: ${id} ~ Line_1: ${filler}\n`);
    await slow.count(SESSION_IN_FLIGHT_HIGH);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(slow.held.length).to.be.below(SESSION_IN_FLIGHT_HIGH + 100);
    slow.release();
    await until('every request is answered', () => client.lines.length === total);
    client.destroy();
    instance.instance.destroy();
  });

  it('anything at all: no crash, and others are served', async () => {
    const good = await LineClient.connect(DEST_NODE, port);
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.constantFrom(
        '\n',
        ' ~ ',
        'Type: ',
        'Message_id: ',
        'echo_request',
        'Type: echo_request ~ Message_id: 4',
        '\r',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 12 }), async (text) => {
        const client = await LineClient.connect(DEST_NODE, port);
        client.write(text.join(''));
        client.end();
        await client.untilClosed();
      }),
      { numRuns: 100 },
    );
    await stillServes(good);
    good.destroy();
  });

  it('thousands of idle connections: the oldest that never sent a line makes room for one more', async () => {
    const good = await LineClient.connect(DEST_NODE, port);
    await stillServes(good);
    const idle: LineClient[] = [];
    for (let n = 0; n < CONNECTIONS_MAX + 20; n += 1) idle.push(await LineClient.connect(DEST_NODE, port));
    await until('the first ones are closed', () => idle.filter(({ ended }) => ended).length >= 20);
    expect(idle.at(-1)?.ended).to.equal(false);
    await stillServes(good);
    await stillServes(idle.at(-1) as LineClient);
    for (const client of [good, ...idle]) client.destroy();
    await until('all are forgotten', () => dest.instance.driver.state.dests.size === 0);
  });
});
