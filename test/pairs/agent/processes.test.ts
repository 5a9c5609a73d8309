// The agent as a process, with a scripted Manager and programs that are none of ours.
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isRunning } from '../../../ssmmp/shell/process-identity.ts';
import { AgentProcess, Folder, lives } from './agent-process.ts';
import { FakeManager, until } from './fake-manager.ts';

const MANAGER = '127.0.48.1';
const NODE = '127.0.48.11';

describe('pairs: agent and programs', function () {
  this.timeout(30_000);
  let folder: Folder;
  let manager: FakeManager;
  let agents: AgentProcess[];

  const start = async (more: { args?: string[]; env?: Record<string, string> } = {}): Promise<AgentProcess> => {
    const agent = await AgentProcess.start(folder, { address: NODE, manager: MANAGER, ...more });
    agents.push(agent);
    return agent;
  };
  const ports = (...numbers: number[]) => ({
    socket_configuration: numbers.map((port, at) => ({ socket: `S${at + 1}`, port })),
  });
  const hard = async (id: number): Promise<number> => {
    const message_id = manager.id();
    manager.send({
      type: 'hard_shutdown_request',
      message_id,
      sub_type: 'Manager_to_agent',
      service_name: 'any',
      service_instance_id: id,
    });
    return (await manager.next('hard_shutdown_response', (message) => message.message_id === message_id)).status;
  };

  beforeEach(async () => {
    folder = new Folder();
    manager = await FakeManager.listen(MANAGER);
    agents = [];
  });
  afterEach(async () => {
    for (const agent of agents) await agent.end();
    await manager.close();
    folder.remove();
  });

  it('R17, R22 registers from its own address, and from a port that is nobody’s socket', async () => {
    const agent = await start();
    expect(agent.stdout).to.equal(`ready ${NODE}:55556\n`);
    const request = await manager.registered();
    expect(request.agent_network_address).to.equal(NODE);
    expect(request.service_repository).to.include.members(['speaker', 'mute']);
    expect(manager.peer?.remoteAddress).to.equal(NODE);
    expect(manager.peer?.remotePort).to.be.within(20000, 31999);
  });

  it('R26 a program that says hello is ready at once, with a clean environment and its words in the log', async () => {
    const agent = await start({ env: { LANG: 'C.UTF-8', NODE_OPTIONS: '' } });
    await manager.registered();
    const answer = await manager.executed(manager.execute(NODE, 'other', 5, ports(54001, 54002)));
    expect(answer.status).to.equal(200);
    const pid = Number(answer.x?.x_pid);
    await until('its words', () => agent.log('other-5').length >= 3);
    const [environment, words, hello] = agent.log('other-5');
    const { env } = environment as { env: Record<string, string> };
    expect(env).to.deep.equal({
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LANG: 'C.UTF-8',
      COLOUR: 'blue',
    });
    expect(environment).to.include({ pid, node: NODE, service: 'other', instance: 5 });
    expect(words).to.include({ level: 30, msg: 'plain words of other', node: NODE, service: 'other', instance: 5 });
    expect(hello).to.include({ msg: 'said hello' });
    expect(await hard(5)).to.equal(200);
    expect(lives(pid)).to.equal(false);
  });

  it('a service without plugs gets a data directory that exists; SSMMP_ variables are passed on', async () => {
    const agent = await start({
      env: { SSMMP_TIMER_SCALE: '2', SSMMP_TIMERS: 'nomad', SSMMP_RECORD_DIR: '/tmp/records' },
    });
    await manager.registered();
    await manager.executed(manager.execute(NODE, 'speaker', 5, { plug_configuration: [] }));
    const environment = await until('its words', () => agent.log('speaker-5')[0]);
    const { env } = environment as { env: Record<string, string> };
    expect(env['SSMMP_DATA_DIR']).to.equal(join(folder.path, 'baas', 'speaker'));
    expect(existsSync(env['SSMMP_DATA_DIR'] as string)).to.equal(true);
    expect(env).to.include({ SSMMP_TIMER_SCALE: '2', SSMMP_TIMERS: 'nomad', SSMMP_RECORD_DIR: '/tmp/records' });
    expect(env).to.not.have.any.keys('SECRET', 'SSMMP_AGENT_PORT');
  });

  it('R26 a listener that says no hello is ready when it accepts', async () => {
    await start();
    await manager.registered();
    const answer = await manager.executed(manager.execute(NODE, 'listener', 5, ports(54001)));
    expect(answer.status).to.equal(200);
  });

  it('R26, R34 a shell script is ready after a second alive, and is killed with what it started', async () => {
    const agent = await start({ args: ['--timer-scale', '0.5'] });
    await manager.registered();
    const answer = await manager.executed(manager.execute(NODE, 'mute', 5));
    expect(answer.status).to.equal(200);
    const grandchild = Number(
      await until('its child', () => /child (\d+)/.exec(agent.file('logs', 'mute-5.log'))?.[1]),
    );
    expect(agent.log('mute-5')[0]).to.include({ msg: 'mute got 5 arguments: mute 5' });
    expect(lives(grandchild)).to.equal(true);
    expect(await hard(5)).to.equal(200);
    await until('the end of its child', () => !isRunning({ pid: grandchild, startTime: null }));
  });

  it('R21 a port that somebody holds: 409', async () => {
    const stranger = createServer().listen(54001, NODE);
    await start();
    await manager.registered();
    expect((await manager.executed(manager.execute(NODE, 'speaker', 5, ports(54002, 54001)))).status).to.equal(409);
    await new Promise((resolve) => stranger.close(resolve));
    expect((await manager.executed(manager.execute(NODE, 'speaker', 5, ports(54002, 54001)))).status).to.equal(200);
  });

  it('R26 a program that ends early, and one that is not there: 500', async () => {
    const agent = await start();
    await manager.registered();
    expect((await manager.executed(manager.execute(NODE, 'crasher', 5))).status).to.equal(500);
    expect((await manager.executed(manager.execute(NODE, 'missing', 6))).status).to.equal(500);
    expect(agent.stderr).to.include('no-such-program');
    expect(manager.has('service_instance_termination_info'), 'R30').to.equal(false);
  });

  it('R30 a crash is told with its signal, an end by business logic without', async () => {
    await start();
    await manager.registered();
    const pid = Number((await manager.executed(manager.execute(NODE, 'speaker', 5))).x?.x_pid);
    process.kill(pid, 'SIGSEGV');
    const crash = await manager.next('service_instance_termination_info');
    expect(crash).to.include({ service_instance_id: 5 });
    expect(crash.x).to.deep.equal({ x_exit: 'signal SIGSEGV' });
    await manager.executed(manager.execute(NODE, 'ender', 6));
    const end = await manager.next('service_instance_termination_info');
    expect(end).to.include({ service_instance_id: 6, message_id: 1000 });
    expect(end.x).to.equal(undefined);
  });

  it('R31 the graceful response comes when the process is gone', async () => {
    await start();
    await manager.registered();
    const pid = Number((await manager.executed(manager.execute(NODE, 'speaker', 5))).x?.x_pid);
    const message_id = manager.id();
    manager.send({
      type: 'graceful_shutdown_request',
      message_id,
      sub_type: 'Manager_to_agent',
      service_name: 'speaker',
      service_instance_id: 5,
    });
    const answer = await manager.next('graceful_shutdown_response');
    expect(answer).to.include({ message_id, status: 200, sub_type: 'agent_to_Manager' });
    expect(lives(pid)).to.equal(false);
  });

  it('SIGTERM: exit 0 within a second, no child and no file left behind', async () => {
    const agent = await start();
    await manager.registered();
    const pids: number[] = [];
    for (const id of [5, 6, 7])
      pids.push(Number((await manager.executed(manager.execute(NODE, 'speaker', id))).x?.x_pid));
    const from = performance.now();
    expect(await agent.end()).to.equal(0);
    expect(performance.now() - from).to.be.below(1000);
    expect(pids.filter(lives)).to.deep.equal([]);
    expect(existsSync(join(agent.stateDir, 'agent.pid'))).to.equal(false);
    for (let deaths = 0; deaths < 3; deaths += 1)
      expect((await manager.next('service_instance_termination_info')).x).to.deep.equal({ x_exit: 'signal SIGKILL' });
  });

  it('SIGTERM without a Manager, and a second one, end it just as well', async () => {
    await manager.close();
    const agent = await start();
    agent.kill('SIGTERM');
    agent.kill('SIGTERM');
    expect(await agent.end()).to.equal(0);
    manager = await FakeManager.listen(MANAGER);
  });

  it('R47 finds a Manager that comes later, and one that was restarted', async () => {
    await manager.close();
    await start();
    manager = await FakeManager.listen(MANAGER);
    const first = await manager.registered();
    await manager.executed(manager.execute(NODE, 'speaker', 5));
    await manager.close();
    manager = await FakeManager.listen(MANAGER);
    const second = await manager.registered();
    expect(second.x?.x_node).to.equal(first.x?.x_node);
    expect(second.x?.x_running_instances).to.equal('5');
    expect((await manager.executed(manager.execute(NODE, 'speaker', 5))).status, 'R28').to.equal(200);
  });

  it('R47 killed, it leaves its children running; its next life takes them back', async () => {
    const agent = await start();
    const node = (await manager.registered()).x?.x_node;
    const [pid, doomed] = [
      Number((await manager.executed(manager.execute(NODE, 'speaker', 5))).x?.x_pid),
      Number((await manager.executed(manager.execute(NODE, 'speaker', 6))).x?.x_pid),
    ];
    await agent.end('SIGKILL');
    expect([pid, doomed].map(lives)).to.deep.equal([true, true]);
    process.kill(doomed, 'SIGKILL');
    await until('its death', () => !isRunning({ pid: doomed, startTime: null }));

    const next = await start();
    const request = await manager.registered();
    expect(request.x).to.deep.equal({ x_version: '1.1', x_node: node, x_running_instances: '5' });
    const death = await manager.next('service_instance_termination_info');
    expect(death).to.include({ service_instance_id: 6 });
    expect(lives(pid), 'it wrote to stdout while there was no agent').to.equal(true);

    const message_id = manager.id();
    manager.send({
      type: 'service_instance_health_request',
      message_id,
      sub_type: 'Manager_to_agent',
      service_instance_id: 5,
      service_instance_network_address: NODE,
    });
    const health = await manager.next('service_instance_health_response');
    expect(health).to.include({ message_id, status: 200 });
    expect(health.x).to.deep.equal({ x_load: '0.5' });
    await until(
      'its second hello in the log',
      () => next.log('speaker-5').filter(({ msg }) => msg === 'said hello').length >= 2,
    );

    process.kill(pid, 'SIGKILL');
    const end = await manager.next('service_instance_termination_info');
    expect(end).to.include({ service_instance_id: 5 });
    expect(next.children).to.deep.equal([]);
  });

  it('an adopted child is killed and proven dead', async () => {
    const agent = await start();
    await manager.registered();
    const pid = Number((await manager.executed(manager.execute(NODE, 'speaker', 5))).x?.x_pid);
    await agent.end('SIGKILL');
    await start();
    await manager.registered();
    expect(await hard(5)).to.equal(200);
    expect(isRunning({ pid, startTime: null })).to.equal(false);
  });

  it('a program that does not wait for its arguments gets no spares, and is started as ever', async () => {
    const agent = await start();
    await manager.registered();
    await until('the agent to give up', () => agent.stderr.includes('gets no spares'));
    expect(agent.stderr.match(/gets no spares/g)).to.have.length(1);
    expect((await manager.executed(manager.execute(NODE, 'deaf', 5, ports(54001)))).status).to.equal(200);
  });

  it('a spare is used only where the instance needs exactly its environment', async () => {
    const agent = await start();
    await manager.registered();
    const spare = await until('a spare', () => childrenOf(agent.child.pid as number).find((pid) => speaks(pid)));
    // Without plugs it is a store and needs SSMMP_DATA_DIR; the repository let one expect plugs.
    const answer = await manager.executed(manager.execute(NODE, 'warm', 5, { plug_configuration: [] }));
    expect(answer.status).to.equal(200);
    expect(answer.x?.x_pid).to.not.equal(String(spare));
  });

  it('spares: the next start takes an idle process; SIGTERM ends them, so does the agent’s death', async () => {
    const agent = await start();
    await manager.registered();
    const spares = (): number[] => childrenOf(agent.child.pid as number).filter(speaks);
    const [spare] = await until('a spare', () => (spares().length === 1 ? spares() : null));
    const answer = await manager.executed(manager.execute(NODE, 'warm', 5, ports(54001)));
    expect(answer.status).to.equal(200);
    expect(answer.x?.x_pid).to.equal(String(spare));
    await until('its words', () => agent.log('warm-5').length >= 2);
    await until('the next spare', () => spares().length === 2);
    const second = spares().find((pid) => pid !== spare) as number;
    expect((await manager.executed(manager.execute(NODE, 'speaker', 6))).status, 'other services have none').to.equal(
      200,
    );
    await agent.end('SIGKILL');
    await until('the end of the spare', () => !isRunning({ pid: second, startTime: null }));
    const next = await start();
    await manager.registered();
    const [third] = await until('a spare', () => {
      const found = childrenOf(next.child.pid as number).filter(speaks);
      return found.length > 0 ? found : null;
    });
    expect(await next.end()).to.equal(0);
    expect(lives(third as number)).to.equal(false);
  });
});

/** Children of a process, from the system's list; Linux only, elsewhere from ps. */
function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, stat]) => Number(parent) === pid && !stat?.startsWith('Z'))
    .map(([child]) => Number(child));
}

/** Does this process run the speaker, and not a program that is about to end? */
function speaks(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.includes('speaker');
}
