/** One SSMMP connection on real sockets of loopback: what an end, and a peer that does not end, cost. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  LINGER_BYTES_MAX,
  LINGER_MS,
  openConnection,
  PATIENT_MS,
  type Connection,
} from '../../../ssmmp/shell/connection.ts';

const HOST = '127.0.54.2';

interface Pair {
  readonly ours: Connection;
  readonly peer: Socket;
  /** What our side reported, in order. */
  readonly told: string[];
  readonly closed: Promise<void>;
}

describe('a connection', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  async function pair(onLine: (line: string, ours: Connection) => void = () => undefined): Promise<Pair> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, HOST);
    await once(server, 'listening');
    const peer = connect({ host: HOST, port: (server.address() as AddressInfo).port, allowHalfOpen: true });
    peer.on('error', () => undefined);
    const [socket] = (await once(server, 'connection')) as [Socket];
    open.push(server, { close: () => peer.destroy() }, { close: () => socket.destroy() });
    const told: string[] = [];
    let isClosed: () => void;
    const closed = new Promise<void>((resolve) => (isClosed = resolve));
    const ours: Connection = openConnection(socket, {
      line: (line) => {
        told.push(line);
        onLine(line, ours);
      },
      oversized: () => told.push('oversized'),
      closed: () => {
        told.push('closed');
        isClosed();
      },
    });
    return { ours, peer, told, closed };
  }

  it('reports no line after its end, not even of what had come with the last one', async () => {
    const { peer, told, closed } = await pair((line, ours) => {
      if (line === '3') ours.end();
    });
    peer.resume();
    peer.write('1\n2\n3\n4\n5\n');
    await once(peer, 'end');
    peer.end('6\n');
    await closed;
    expect(told).to.deep.equal(['1', '2', '3', 'closed']);
  });

  it('what is in no hurry waits for company that comes, keeps the order, and leaves after PATIENT_MS without any', async () => {
    const { ours, peer } = await pair();
    const chunks: string[] = [];
    peer.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    const heard = async (text: string): Promise<void> => {
      while (chunks.join('') !== text) await once(peer, 'data');
    };
    let isComing = true;
    const soon = (line: string): void => ours.sendSoon(line, () => isComing);
    let from = performance.now();
    soon('1');
    await new Promise((resolve) => setImmediate(resolve));
    soon('2');
    await heard('1\n2\n');
    expect(chunks).to.have.length(1);
    expect(performance.now() - from).to.be.greaterThan(PATIENT_MS * 0.9);
    chunks.length = 0;
    soon('3');
    ours.send('4');
    soon('5');
    await heard('3\n4\n5\n');
    expect(chunks).to.have.length(1);
    // The last of the company has come: nothing to wait for. A busy machine may be late, but not every time.
    let best = Infinity;
    for (let attempt = 0; attempt < 10 && best >= PATIENT_MS; attempt += 1) {
      isComing = true;
      chunks.length = 0;
      from = performance.now();
      soon('a');
      await new Promise((resolve) => setImmediate(resolve));
      soon('b');
      isComing = false;
      await heard('a\nb\n');
      best = performance.now() - from;
    }
    expect(best).to.be.lessThan(PATIENT_MS);
    isComing = true;
    chunks.length = 0;
    soon('6');
    ours.end();
    await heard('6\n');
  });

  it('lets the peer have what was written last, though it goes on sending', async () => {
    const { ours, peer } = await pair();
    let got = '';
    peer.on('data', (bytes: Buffer) => (got += bytes.toString()));
    peer.write('y'.repeat(50_000));
    ours.send('the last word');
    ours.end();
    peer.write('z'.repeat(50_000));
    await once(peer, 'end');
    expect(got).to.equal('the last word\n');
  });

  it('cuts off a peer that sends on and on after the end, and one that never ends its side', async function () {
    this.timeout(3 * LINGER_MS);
    const flooding = await pair();
    flooding.ours.end();
    flooding.peer.resume();
    const piece = 'x\n'.repeat(32 * 1024);
    let sent = 0;
    const more = (): void => {
      while (!flooding.peer.destroyed && flooding.peer.write(piece)) sent += piece.length;
    };
    flooding.peer.on('drain', more);
    more();
    const begun = performance.now();
    await flooding.closed;
    expect(performance.now() - begun).to.be.lessThan(LINGER_MS * 0.9);
    expect(sent).to.be.greaterThan(LINGER_BYTES_MAX / 2);
    expect(flooding.told).to.deep.equal(['closed']);

    const silent = await pair();
    silent.ours.end();
    await silent.closed;
  });

  it('R07 reports a message over 64 KiB once, however much follows', async () => {
    const { ours, peer, told, closed } = await pair();
    peer.write('y'.repeat(300_000));
    peer.write('\nok\n');
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    ours.end();
    peer.end();
    await closed;
    expect(told).to.deep.equal(['oversized', 'closed']);
  });
});
