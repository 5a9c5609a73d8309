// The agent as a process: what strangers can do to it, how it says what is wrong, the trace it writes.
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { AgentProcess, Folder } from './agent-process.ts';
import { FakeManager, until } from './fake-manager.ts';

const MANAGER = '127.0.48.2';
const NODE = '127.0.48.12';
const SHARED = '127.0.48.31';

describe('pairs: agent and the world', function () {
  this.timeout(30_000);
  let folder: Folder;
  let manager: FakeManager;
  let agents: AgentProcess[];
  let sockets: Socket[];

  const start = async (more: Partial<Parameters<typeof AgentProcess.run>[1]> = {}): Promise<AgentProcess> => {
    const agent = await AgentProcess.start(folder, { address: NODE, manager: MANAGER, ...more });
    agents.push(agent);
    return agent;
  };
  /** Runs one that is not going to start; its exit code and its last words. */
  const fail = async (
    more: Partial<Parameters<typeof AgentProcess.run>[1]> = {},
  ): Promise<[number | string, string]> => {
    const agent = await AgentProcess.run(folder, { address: NODE, manager: MANAGER, ...more });
    await until('its end', () => agent.ended !== null);
    expect(agent.stdout).to.equal('');
    return [agent.ended as number | string, agent.stderr];
  };
  const dial = async (): Promise<Socket> => {
    const socket = connect(55556, NODE);
    sockets.push(socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  const closed = (socket: Socket): Promise<true> => until('the close', () => socket.destroyed || undefined);

  beforeEach(async () => {
    folder = new Folder();
    manager = await FakeManager.listen(MANAGER);
    agents = [];
    sockets = [];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    for (const agent of agents) await agent.end();
    await manager.close();
    folder.remove();
  });

  it('R07 a message that never ends closes its connection, and no other', async () => {
    await start();
    await manager.registered();
    await manager.executed(manager.execute(NODE, 'speaker', 5));
    const socket = await dial();
    socket.resume().write('x'.repeat(100_000));
    await closed(socket);
    const message_id = manager.id();
    manager.send({
      type: 'service_instance_health_request',
      message_id,
      sub_type: 'Manager_to_agent',
      service_instance_id: 5,
      service_instance_network_address: NODE,
    });
    await manager.next('service_instance_health_response');
  });

  it('R03 garbage is closed at the third line; an unreadable request is answered 400', async () => {
    await start();
    await manager.registered();
    const socket = await dial();
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.write('\x00\xff\xfe\n\r\ntype: session_request ~ message_id: 7 ~ sub_type: service_to_agent\r\n');
    await closed(socket);
    expect(text).to.match(/^type: session_response ~ message_id: 7 ~ sub_type: agent_to_service .* status: 400\n$/);
  });

  it('thousands of idle connections are bounded, and nobody else notices', async () => {
    await start();
    await manager.registered();
    const idle = await Promise.all(Array.from({ length: 1500 }, dial));
    await until('the oldest to be closed', () => idle.filter(({ destroyed }) => !destroyed).length <= 512);
    const from = performance.now();
    expect((await manager.executed(manager.execute(NODE, 'speaker', 5))).status).to.equal(200);
    expect(performance.now() - from).to.be.below(2000);
  });

  it('who says nothing is closed after unidentifiedMs', async () => {
    await start({ args: ['--timer-scale', '0.05'] });
    await manager.registered();
    await closed((await dial()).resume());
  });

  it('writes every message of both hops to trace.jsonl', async () => {
    const agent = await start();
    await manager.registered();
    const id = manager.execute(NODE, 'speaker', 5);
    await manager.executed(id);
    const entries = await until('the trace', () => {
      const lines = agent.file('trace.jsonl').split('\n').filter(Boolean);
      return lines.length >= 5 ? lines.map((line) => JSON.parse(line) as Record<string, string>) : null;
    });
    expect(entries.map(({ hop, from, to, exchange }) => [hop, from, to, exchange])).to.deep.equal([
      ['agent-Manager', NODE, 'Manager', `${NODE}/1`],
      ['agent-Manager', 'Manager', NODE, `${NODE}/1`],
      ['agent-Manager', 'Manager', NODE, `Manager/${id}`],
      ['instance-agent', 'speaker/5', NODE, '5/1'],
      ['agent-Manager', NODE, 'Manager', `Manager/${id}`],
    ]);
    expect(entries[4]?.['message']).to.match(/^type: execution_response ~ message_id: \d+ ~ status: 200 ~ x_pid: \d+$/);
    for (const { time } of entries) expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('R52 401: a clear message and exit code 1', async () => {
    manager.registration = 401;
    const agent = await AgentProcess.run(folder, { address: NODE, manager: MANAGER });
    await until('its end', () => agent.ended !== null);
    expect(agent.ended).to.equal(1);
    expect(agent.stderr).to.include('the Manager refuses').and.include('401 not admitted');
  });

  it('R52 409 and 503 are tried again until it is admitted', async () => {
    manager.registration = 409;
    await start();
    await manager.registered();
    manager.registration = 503;
    await manager.registered();
    manager.registration = 200;
    await manager.registered();
    await manager.executed(manager.execute(NODE, 'speaker', 5));
  });

  it('R16 agents that share an address take the next free port, and tell their instances', async () => {
    const [one, two] = [
      await start({ address: SHARED, node: 1, args: ['--shared-address'] }),
      await start({ address: SHARED, node: 2, args: ['--shared-address'] }),
    ];
    expect([one.stdout, two.stdout]).to.deep.equal([`ready ${SHARED}:55560\n`, `ready ${SHARED}:55561\n`]);
    const names = [(await manager.registered()).x?.x_node, (await manager.registered()).x?.x_node];
    expect(new Set(names).size).to.equal(2);
    await manager.executed(manager.execute(SHARED, 'speaker', 5));
    const environment = await until('its words', () => one.log('speaker-5')[0] ?? two.log('speaker-5')[0]);
    expect((environment['env'] as Record<string, string>)['SSMMP_AGENT_PORT']).to.match(/^5556[01]$/);
    expect(two.file('trace.jsonl') || one.file('trace.jsonl')).to.match(/"127\.0\.48\.31#[0-9a-f]{16}"/);
  });

  it('--strict-1.1: no x_ line leaves the agent', async () => {
    await start({ args: ['--strict-1.1'] });
    await manager.registered();
    const pid = await manager.executed(manager.execute(NODE, 'speaker', 5));
    expect(pid.x).to.equal(undefined);
    for (const { line } of manager.received) expect(line).to.not.include('x_');
  });

  it('one state directory, one agent; one port, one program: a sentence each', async () => {
    await start();
    const [code, words] = await fail({ address: '127.0.48.13' });
    expect(code).to.equal(1);
    expect(words).to.match(/another agent \(pid \d+\) uses .*nodes.1.*--state-dir/);
    const [taken, sentence] = await fail({ node: 2 });
    expect(taken).to.equal(1);
    expect(sentence).to.include(`${NODE}:55556 is taken`);
  });

  it('an address that this machine does not have, a repository that is wrong: a sentence each', async () => {
    const [code, words] = await fail({ address: '192.0.2.7' });
    expect(code).to.equal(1);
    expect(words).to.include('192.0.2.7:55556: this machine has no such address');
    writeFileSync(folder.repository, 'services:\n  post: {run: []}\n');
    const [wrong, sentence] = await fail();
    expect(wrong).to.equal(1);
    expect(sentence).to.match(/repository\.yaml:2:\d+ .*at least a program/);
  });

  it('usage errors end with 64', async () => {
    for (const [args, sentence] of [
      [['--nope'], "Unknown option '--nope'"],
      [['--port', 'x'], '--port x: expected a port from 1 to 65535'],
      [['--shared-address', '--strict-1.1'], 'exclude each other'],
      [['--timer-scale', '0'], 'timer scale 0'],
    ] as const) {
      const [code, words] = await fail({ args: [...args] });
      expect(code).to.equal(64);
      expect(words).to.include(sentence).and.include('usage: agent');
    }
    const [code, words] = await fail({ address: 'localhost' });
    expect(code).to.equal(64);
    expect(words).to.include('--address localhost: expected an IPv4 or IPv6 address');
  });

  it('a file left by a killed agent, naming a process that is not it, stops nobody', async () => {
    writeFileSync(join(folder.node(), 'agent.pid'), JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
    await start();
    await manager.registered();
  });

  it('IPv6: the same over ::1', async function () {
    const probe = createServer();
    const hasIpv6 = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(0, '::1', () => probe.close(() => resolve(true)));
    });
    if (!hasIpv6) return this.skip();
    await manager.close();
    manager = await FakeManager.listen('::1');
    await start({ address: '::1', manager: '[::1]:55555', args: ['--port', '55566'] });
    const request = await manager.registered();
    expect(request.agent_network_address).to.equal('::1');
    const answer = await manager.executed(
      manager.execute('::1', 'speaker', 5, { socket_configuration: [{ socket: 'S', port: 54003 }] }),
    );
    expect(answer.status).to.equal(200);
  });
});
