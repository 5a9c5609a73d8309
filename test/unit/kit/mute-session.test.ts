/** A session whose other end says nothing any more, and is to close: its requests go elsewhere (R45: its peers are told). */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { MatchedSourceSession, type Waiting } from '../../../services/kit/shell/source-session.ts';

const MUTE_MS = 1500;

describe('kit: a mute session', () => {
  let server: Server;
  let far: Socket[] = [];
  let said: string[] = [];

  beforeEach(async () => {
    far = [];
    said = [];
    server = createServer((socket) => void far.push(socket.on('error', () => undefined).resume()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of far) socket.destroy();
    server.close();
  });

  async function open(): Promise<MatchedSourceSession> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const events = {
      answered: () => undefined,
      roomAgain: () => undefined,
      drained: () => void said.push('drained'),
      ended: (clean: boolean) => void said.push(clean ? 'clean' : 'broken'),
      complain: (why: string) => void said.push(why),
    };
    return new MatchedSourceSession(socket, 'key', events, 0);
  }

  function request(): Waiting {
    return { type: 'x', rest: '', done: () => undefined, deadline: 1e9, group: null, order: 1, sent: false };
  }

  it('drains, was silent for muteMs with a request under way: broken off, the request is left to be sent again', async () => {
    const session = await open();
    session.send(request());
    session.look(0, MUTE_MS);
    session.drain();
    session.look(MUTE_MS - 1, MUTE_MS);
    expect(said).to.deep.equal([]);
    session.look(MUTE_MS, MUTE_MS);
    expect(said).to.deep.equal([`silent for ${MUTE_MS} ms`, 'broken']);
    expect([...session.unanswered()]).to.have.length(1);
  });

  it('is silent, but nobody wants it closed: it may be slow', async () => {
    const session = await open();
    session.send(request());
    session.look(100 * MUTE_MS, MUTE_MS);
    expect(said).to.deep.equal([]);
    session.close();
  });

  it('was silent with nothing under way, or before the clock ran: that is no silence', async () => {
    const session = await open();
    session.look(100 * MUTE_MS, MUTE_MS);
    session.send(request());
    session.hearFrom(200 * MUTE_MS);
    session.drain();
    session.look(201 * MUTE_MS - 1, MUTE_MS);
    expect(said).to.deep.equal([]);
    session.close();
  });

  it('answers now and then: it drains as long as it may', async () => {
    const session = await open();
    for (const _ of [1, 2]) session.send(request());
    session.drain();
    session.look(MUTE_MS - 1, MUTE_MS);
    far[0]?.write('Type: x_response ~ Message_id: 1 ~ Status: 200\n');
    while (session.live === 2) await new Promise((resolve) => setTimeout(resolve, 5));
    session.look(MUTE_MS, MUTE_MS);
    session.look(2 * MUTE_MS - 1, MUTE_MS);
    expect(said).to.deep.equal([]);
    session.look(2 * MUTE_MS, MUTE_MS);
    expect(said).to.include('broken');
  });
});
