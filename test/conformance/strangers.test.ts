/**
 * Strangers: a service, an agent, a Manager and a client written from the pages alone, run with ours.
 *
 * They stand in strangers/ as plain Node programs that import nothing of the project. What is checked here is what
 * a user of such a peer would see.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Cluster, until } from '../e2e/cluster.ts';
import { StrangersManager } from './strangers-manager.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STRANGERS = fileURLToPath(new URL('./strangers', import.meta.url));
const RELAY = join(ROOT, 'dist/services/relay.js');
const EXAMPLE = join(ROOT, 'labs/graphs/abstract-example.yaml');
const SERVICES = ['A', 'B', 'service-1', 'service-2', 'service-3', 'service-4', 'BaaS-1', 'BaaS-2'];

const FOUR = 'service-4(BaaS-1, BaaS-1, BaaS-2)';
const THREE = 'service-3(BaaS-1, BaaS-2, BaaS-2)';
const WHOLE = `A(B(${FOUR}, ${FOUR}), service-1(${FOUR}, ${THREE}), service-2(${THREE}, ${THREE}))`;

/** One `hop` line; the answer without instance ids, or null when nobody answers yet. */
function hop(address: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    let text = '';
    const done = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(10_000, () => done(null));
    socket.on('error', () => done(null));
    socket.on('close', () => done(null));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.includes('\n')) done(text.trim().replaceAll(/\/\d+/g, ''));
    });
    socket.write('hop hello\n');
  });
}

describe('strangers', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  const folders: string[] = [];

  function start(args: string[], cwd = ROOT): ChildProcess {
    const child = spawn(process.execPath, args, { cwd, stdio: 'ignore' });
    children.push(child);
    return child;
  }
  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'ssmmp-stranger-'));
    folders.push(made);
    return made;
  }
  async function end(child: ChildProcess): Promise<void> {
    const gone =
      child.exitCode !== null || child.signalCode !== null ? null : new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  afterEach(async () => {
    for (const child of children.splice(0).reverse()) await end(child);
    for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
  });

  it('a stranger’s service works with our agent and our Manager, without hello and without any x_ line', async () => {
    const home = folder();
    const program = (name: string): string =>
      name === 'service-3' || name === 'BaaS-1' || name === 'B' ? join(STRANGERS, 'service.mjs') : RELAY;
    const repository = join(home, 'repository.yaml');
    writeFileSync(
      repository,
      `services:\n${SERVICES.map((name) => `  ${name}: {run: [node, ${JSON.stringify(program(name))}]}`).join('\n')}\n`,
    );
    start(['dist/manager.js', '--graph', EXAMPLE, '--address', '127.0.75.1', '--state-dir', join(home, 'state')]);
    start([
      'dist/agent.js',
      '--address',
      '127.0.75.11',
      '--manager',
      '127.0.75.1',
      '--repository',
      repository,
      '--state-dir',
      join(home, 'state/nodes/1'),
    ]);
    expect(await until('an answer', () => hop('127.0.75.11', 8081), 30_000)).to.equal(WHOLE);
    expect(await hop('127.0.75.11', 8081)).to.equal(WHOLE);
  });

  it('a stranger’s agent works with our Manager and our services', async () => {
    const home = folder();
    start(['dist/manager.js', '--graph', EXAMPLE, '--address', '127.0.76.1', '--state-dir', home]);
    await until(
      'the Manager listens',
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(55555, '127.0.76.1', () => resolve(true));
          socket.on('error', () => resolve(false));
          socket.on('connect', () => socket.destroy());
        }),
    );
    start([join(STRANGERS, 'agent.mjs'), '127.0.76.11', '127.0.76.1', ...SERVICES.map((name) => `${name}=${RELAY}`)]);
    expect(await until('an answer', () => hop('127.0.76.11', 8081), 30_000)).to.equal(WHOLE);
  });

  it('a stranger’s Manager drives our agent and our services through all 22 messages', async () => {
    const home = folder();
    const repository = join(home, 'repository.yaml');
    writeFileSync(
      repository,
      `services:\n  front: {run: [node, ${JSON.stringify(RELAY)}]}\n  store: {run: [node, ${JSON.stringify(RELAY)}]}\n`,
    );
    const manager = await StrangersManager.listen('127.0.77.1');
    try {
      start([
        'dist/agent.js',
        '--address',
        '127.0.77.11',
        '--manager',
        '127.0.77.1',
        '--repository',
        repository,
        '--state-dir',
        join(home, 'n1'),
      ]);
      const registration = await manager.expect('initiation_request');
      expect(registration).to.include({ agent_network_address: '127.0.77.11', service_repository: '(front, store)' });
      manager.say(['type', 'initiation_response'], ['message_id', registration['message_id']], ['status', 200]);

      const execute = async (
        service: string,
        id: number,
        sockets: string,
        plugs: string,
      ): Promise<string | undefined> => {
        manager.say(
          ['type', 'execution_request'],
          ['message_id', 30000 + id],
          ['agent_network_address', '127.0.77.11'],
          ['service_name', service],
          ['service_instance_id', id],
          ['socket_configuration', sockets],
          ['plug_configuration', plugs],
        );
        return (await manager.expect('execution_response'))['status'];
      };
      expect(await execute('nowhere', 9, 'S, 54009', '')).to.equal('404');
      expect(await execute('store', 1, 'S, 54000', '')).to.equal('200');
      expect(await execute('front', 2, 'users, 54001', 'P, S, store')).to.equal('200');
      expect(await execute('store', 1, 'S, 54000', '')).to.equal('200');

      const answer = hop('127.0.77.11', 54001);
      const request = await manager.expect('session_request');
      expect(request).to.include({
        sub_type: 'agent_to_Manager',
        source_service_name: 'front',
        source_service_instance_id: '2',
        source_plug_name: 'P',
        dest_service_name: 'store',
        dest_socket_name: 'S',
      });
      manager.say(
        ['type', 'session_response'],
        ['message_id', request['message_id']],
        ['sub_type', 'Manager_to_agent'],
        ['source_service_name', 'front'],
        ['source_service_instance_id', 2],
        ['dest_service_name', 'store'],
        ['dest_service_instance_id', 1],
        ['dest_socket_name', 'S'],
        ['dest_service_instance_network_address', '127.0.77.11'],
        ['dest_socket_port', 54000],
        ['status', 200],
      );
      const ack = await manager.expect('session_ack');
      expect(ack).to.include({ message_id: request['message_id'], dest_socket_new_port: '54000', status: '200' });
      expect(Number(ack['source_plug_port'])).to.be.within(20000, 31999);
      expect(await answer).to.equal('front(store)');

      const four = [
        ['source_service_instance_network_address', '127.0.77.11'],
        ['source_plug_name', 'P'],
        ['source_plug_port', ack['source_plug_port']],
      ] as const;
      manager.say(
        ['type', 'source_service_session_close_request'],
        ['message_id', 30100],
        ['sub_type', 'Manager_to_agent'],
        ['source_service_name', 'front'],
        ['source_service_instance_id', 2],
        ...four,
        ['dest_service_name', 'store'],
        ['dest_service_instance_network_address', '127.0.77.11'],
        ['dest_socket_name', 'S'],
        ['dest_socket_port', 54000],
        ['dest_socket_new_port', 54000],
      );
      expect(await manager.expect('source_service_session_close_response')).to.include({
        message_id: '30100',
        status: '200',
      });
      // The line that `hop` sent came to front over a session too, so front may report its end first.
      let report = await manager.expect('dest_service_session_close_info');
      if (report['dest_service_instance_id'] === '2') report = await manager.expect('dest_service_session_close_info');
      expect(report).to.include({ status: '111', dest_service_instance_id: '1' });
      manager.say(
        ['type', 'dest_service_session_close_request'],
        ['message_id', 30101],
        ['sub_type', 'Manager_to_agent'],
        ['dest_service_name', 'store'],
        ['dest_service_instance_id', 1],
        ['dest_service_instance_network_address', '127.0.77.11'],
        ...four,
        ['dest_socket_name', 'S'],
        ['dest_socket_port', 54000],
        ['dest_socket_new_port', 54000],
      );
      expect(await manager.expect('dest_service_session_close_response')).to.include({
        message_id: '30101',
        status: '404',
      });

      manager.say(
        ['type', 'service_instance_health_request'],
        ['message_id', 30102],
        ['sub_type', 'Manager_to_agent'],
        ['service_instance_id', 2],
        ['service_instance_network_address', '127.0.77.11'],
      );
      expect(await manager.expect('service_instance_health_response')).to.include({
        message_id: '30102',
        service_instance_id: '2',
        status: '200',
      });
      manager.say(
        ['type', 'agent_health_control_request'],
        ['message_id', 30103],
        ['sub_type', 'Manager_to_agent'],
        ['agent_network_address', '127.0.77.11'],
      );
      expect(await manager.expect('agent_health_control_response')).to.include({ message_id: '30103', status: '200' });

      manager.say(
        ['type', 'graceful_shutdown_request'],
        ['message_id', 30104],
        ['sub_type', 'Manager_to_agent'],
        ['service_name', 'front'],
        ['service_instance_id', 2],
      );
      expect(await manager.expect('graceful_shutdown_response')).to.include({ message_id: '30104', status: '200' });
      manager.say(
        ['type', 'hard_shutdown_request'],
        ['message_id', 30105],
        ['sub_type', 'Manager_to_agent'],
        ['service_name', 'store'],
        ['service_instance_id', 1],
      );
      expect(await manager.expect('hard_shutdown_response')).to.include({
        message_id: '30105',
        service_instance_id: '1',
        status: '200',
      });
      manager.say(
        ['type', 'hard_shutdown_request'],
        ['message_id', 30106],
        ['sub_type', 'Manager_to_agent'],
        ['service_name', 'store'],
        ['service_instance_id', 1],
      );
      expect(await manager.expect('hard_shutdown_response')).to.include({ message_id: '30106', status: '404' });
    } finally {
      await manager.close();
    }
  });

  it('a stranger’s client can do everything in docs/cnapp.md', async () => {
    const cluster = await Cluster.start('127.0.78', ['--nodes', '1']);
    try {
      const gateway = await cluster.one('api-gateway');
      const printed = await new Promise<string>((resolve, reject) => {
        execFile(
          process.execPath,
          [join(STRANGERS, 'client.mjs'), gateway.service_instance_network_address, '8080'],
          { timeout: 40_000 },
          (error, out) => (error === null ? resolve(out) : reject(new Error(error.message))),
        );
      });
      expect(JSON.parse(printed)).to.deep.include({
        registration: '200',
        again: '409',
        wrong: '401',
        unknown: '401',
        login: '200',
        post: '200',
        begin: ['200', '0'],
        next: '100000',
        wrongOffset: ['409', '100000'],
        end: '200',
        sha: true,
        same: true,
        list: ['a file, with ~.bin', '100000'],
        escape: '400',
        missing: '404',
        nonsense: '400',
        logout: '200',
        afterLogout: '401',
        garbage: ['error_response', '400'],
      });
    } finally {
      await cluster.stop();
    }
  });
});
