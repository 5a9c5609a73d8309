/** The port for agents: strangers, garbage and crowds are closed within named limits; an agent never notices. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MESSAGE_BYTES_MAX, UNREADABLE_MESSAGES_MAX } from '../../../ssmmp/core/names.ts';
import { STRANGERS_BURST_BYTES, STRANGERS_BYTES_PER_S, UNREGISTERED_MAX } from '../../../manager/shell/strangers.ts';
import { DEFAULT_TIMERS } from '../../../ssmmp/core/timers.ts';
import { lineOf, Peer, SUBNET, TestManager, until } from './cluster.ts';

describe('the port for agents', function () {
  this.timeout(30_000);
  const cluster = new TestManager(2);
  const scale = 0.1;
  let agent: Peer;
  before(async () => {
    await cluster.start();
    agent = await cluster.agent(21, '(nothing)');
    // The agent answers every health request, as an agent does.
    answerHealth(agent, `${SUBNET}.21`);
  });
  after(() => cluster.remove());
  afterEach(async () => {
    const nodes = (await cluster.ask('/v1/nodes')).body as { agent_network_address: string; status: string }[];
    expect(nodes.find((node) => node.agent_network_address === `${SUBNET}.21`)?.status).to.equal('registered');
    expect(agent.isClosed).to.equal(false);
  });

  it('R01 takes a message in any pieces, and two in one', async () => {
    const peer = await cluster.peer(22);
    const line = `type: initiation_request ~ message_id: 7 ~ agent_network_address: ${SUBNET}.22 ~ service_repository: ()\r\n`;
    for (const letter of line) {
      peer.socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lineOf(await peer.hear('initiation_response'), 'status')).to.equal('200');
    peer.socket.write(line.replace('7', '8') + line.replace('7', '9'));
    expect(lineOf(await peer.hear('initiation_response'), 'message_id')).to.equal('8');
    expect(lineOf(await peer.hear('initiation_response'), 'message_id')).to.equal('9');
  });

  it('R07 closes at a message over 64 KiB, also one that never ends', async () => {
    const peer = await cluster.peer(23);
    peer.socket.write('x'.repeat(MESSAGE_BYTES_MAX + 10));
    await until(() => peer.isClosed, 'close');
    const endless = await cluster.peer(23);
    const timer = setInterval(() => endless.socket.write('type: session_request ~ '.repeat(500)), 5);
    await until(() => endless.isClosed, 'close').finally(() => clearInterval(timer));
  });

  it('R03 closes at the third message that cannot be read, and feeds the core nothing behind it', async () => {
    const peer = await cluster.peer(24);
    const garbage = Array.from({ length: 50_000 }, (_, index) => `garbage ${index}`).join('\n');
    peer.socket.write(`${garbage}\n`);
    await until(() => peer.isClosed, 'close');
    const trace = (await cluster.ask('/v1/trace')).body as { from: string; message: string }[];
    const taken = trace.filter(({ from, message }) => from === `${SUBNET}.24` && message.startsWith('garbage'));
    expect(taken).to.have.length(UNREADABLE_MESSAGES_MAX);
  });

  it('answers what can be answered before it closes', async () => {
    const peer = await cluster.peer(25);
    peer.say('type: initiation_request ~ message_id: 5');
    expect(lineOf(await peer.hear('initiation_response'), 'status')).to.equal('400');
    peer.say('GET / HTTP/1.1');
    peer.say('');
    await until(() => peer.isClosed, 'close');
  });

  it('R17 answers 403 to an agent that claims another address', async () => {
    const peer = await cluster.peer(26);
    peer.say(`type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.21 ~ service_repository: ()`);
    expect(lineOf(await peer.hear('initiation_response'), 'status')).to.equal('403');
  });

  it(`keeps at most ${UNREGISTERED_MAX} strangers: the longest silent goes, an agent still gets in`, async function () {
    this.timeout(60_000);
    const crowd: Peer[] = [];
    const more = 300;
    for (let index = 0; index < UNREGISTERED_MAX + more; index += 50)
      crowd.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => Peer.connect(cluster.address, `${SUBNET}.27`)))),
      );
    const closed = (): number => crowd.filter(({ isClosed }) => isClosed).length;
    await until(() => closed() >= more, 'closed strangers');
    const late = await cluster.agent(28, '(nothing)');
    expect(late.isClosed).to.equal(false);
    expect(crowd.slice(0, 50).every(({ isClosed }) => isClosed)).to.equal(true);
    expect(crowd.at(-1)?.isClosed).to.equal(false);
    for (const peer of crowd) peer.socket.destroy();
    await until(async () => {
      const text = (await cluster.ask('/metrics')).body as string;
      return Number(/^ssmmp_connections (\d+)/m.exec(text)?.[1]) < 20;
    }, 'end of the crowd');
  });

  it('R17 strangers who talk without end cost so many bytes a second, and an agent still gets in', async function () {
    this.timeout(60_000);
    const padded = `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${SUBNET}.21 ~ service_repository: () ~ x_pad: ${'p'.repeat(60_000)}\n`;
    const folder = join(cluster.stateDir, 'journal');
    const bytes = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const before = bytes();
    const from = performance.now();
    const crowd = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const peer = await Peer.connect(cluster.address, `${SUBNET}.29`);
        const more = (): void => {
          while (!peer.isClosed && peer.socket.write(padded));
        };
        peer.socket.on('drain', more);
        more();
        return peer;
      }),
    );
    await until(() => bytes() - before > STRANGERS_BURST_BYTES, 'they have spent what they may', 10_000);
    const late = await cluster.agent(30, '(nothing)');
    expect(late.isClosed).to.equal(false);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const seconds = (performance.now() - from) / 1000;
    const most = STRANGERS_BURST_BYTES + seconds * STRANGERS_BYTES_PER_S + crowd.length * 64 * 1024;
    expect(bytes() - before).to.be.lessThan(most * 1.5);
    for (const peer of crowd) peer.socket.destroy();
    late.socket.destroy();
  });

  it('closes a stranger that does not register in time', async () => {
    const short = new TestManager(3);
    await short.start({ timerScale: scale });
    try {
      const silent = await short.peer(31);
      const half = await short.peer(32);
      half.socket.write('type: initiation_request ~ message_id');
      const registered = await short.agent(33, '(nothing)');
      answerHealth(registered, `${SUBNET}.33`);
      const from = Date.now();
      await until(() => silent.isClosed && half.isClosed, 'close');
      expect(Date.now() - from).to.be.at.least(DEFAULT_TIMERS.unregisteredMs * scale * 0.5);
      expect(registered.isClosed).to.equal(false);
    } finally {
      await short.remove();
    }
  });
});

/** From now on the peer answers health requests, as a live agent does. */
function answerHealth(agent: Peer, address: string): void {
  agent.socket.on('data', () => {
    for (const line of agent.lines.splice(0)) {
      if (!line.startsWith('type: agent_health_control_request')) continue;
      const subType = line.includes('sub_type') ? ' ~ sub_type: agent_to_Manager' : '';
      agent.say(
        `type: agent_health_control_response ~ message_id: ${lineOf(line, 'message_id')}${subType}` +
          ` ~ agent_network_address: ${address} ~ status: 200`,
      );
    }
  });
}
