/** A plug that dials through a sidecar (SSMMP_FORWARDER): the words between them, and whose port is acknowledged. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { dialerOf } from '../../../services/kit/shell/forwarder-dialer.ts';
import type { LineMessage } from '../../../services/kit/service.ts';
import { Bench, DEST_NODE, grantNext, SOURCE_NODE } from './node.ts';

const FORWARDER_PORT = 15_001;
const SEEN_PORT = 29_999;
const PLUGS = [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }];
const echo = (request: LineMessage): { type: string; rest: string } => ({ type: 'echo_response', rest: request.rest });

describe('pair: a plug and its forwarder', function () {
  this.timeout(20_000);
  let bench: Bench;
  let forwarder: Server;
  const heard: string[] = [];
  /** What the forwarder answers; null: it connects to the destination and tells its port. */
  let answer: string | null;

  beforeEach(async () => {
    bench = new Bench();
    answer = null;
    heard.length = 0;
    forwarder = createServer((plug) => plug.once('data', (words) => forward(plug, words.toString())));
    await new Promise<void>((resolve) => forwarder.listen(FORWARDER_PORT, SOURCE_NODE, resolve));
  });
  afterEach(async () => {
    await bench.close();
    await new Promise((resolve) => forwarder.close(resolve));
  });

  function forward(plug: Socket, words: string): void {
    heard.push(words);
    plug.on('error', () => plug.destroy());
    if (answer !== null) return void plug.end(answer);
    const [, source = '', host = '', port = ''] = words.trim().split(' ');
    const out = connect({ host, port: Number(port), localAddress: source, localPort: SEEN_PORT }, () => {
      plug.write(`open ${SEEN_PORT}\n`);
      plug.pipe(out).pipe(plug);
    });
    out.on('error', () => plug.destroy());
  }

  const env = { SSMMP_FORWARDER: `${SOURCE_NODE}:${FORWARDER_PORT}` };

  it('R18 R19 the destination sees the plug’s address and the forwarder’s port, which the plug acknowledges', async () => {
    const port = bench.port();
    const keys: string[] = [];
    const handle = (request: LineMessage, session: { key: string }): ReturnType<typeof echo> => {
      keys.push(session.key);
      return echo(request);
    };
    const sockets = [{ socket: 'posts-socket', port }];
    await bench.start({ sockets: { 'posts-socket': handle } }, { instanceId: 21, address: DEST_NODE, sockets });
    const source = await bench.start({}, { instanceId: 11, plugs: PLUGS }, env);
    const response = source.context.plug('posts-plug').request('echo_request', ' ~ Line_1: hello');
    const ack = await grantNext(source.agent, DEST_NODE, port);
    expect(ack).to.include({ status: 200, source_plug_port: SEEN_PORT });
    expect((await response).rest).to.equal(' ~ Line_1: hello');
    expect(keys).to.deep.equal([`${SOURCE_NODE}:${SEEN_PORT}-${DEST_NODE}:${port}`]);
    expect(heard).to.deep.equal([`open ${SOURCE_NODE} ${DEST_NODE} ${port}\n`]);
  });

  for (const [what, words, status] of [
    ['that the destination refuses', 'failed refused\n', 502],
    ['that it takes too long', 'failed timeout\n', 504],
    ['nonsense', 'HTTP/1.1 200 OK\r\n\r\n', 502],
    ['nothing and closes', '', 502],
  ] as const)
    it(`R33 a forwarder that says ${what}: the grant is acknowledged with ${status}`, async () => {
      answer = words;
      const source = await bench.start({}, { instanceId: 11, plugs: PLUGS }, env);
      source.context
        .plug('posts-plug')
        .request('echo_request', '', { deadlineMs: 100 })
        .catch(() => undefined);
      const ack = await grantNext(source.agent, DEST_NODE, bench.port());
      expect(ack).to.include({ status, source_plug_port: null });
    });

  it('an SSMMP_FORWARDER that names no place ends the start with what was expected', () => {
    expect(() => dialerOf({ SSMMP_FORWARDER: 'sidecar' })).to.throw("is 'sidecar'; expected ADDRESS:PORT");
  });
});
