// A stranger's agent: `agent.mjs ADDRESS MANAGER SERVICE=PROGRAM …`. It knows no x_ line and keeps no state.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { lines, read, write } from './lines.mjs';

const [address, managerAddress, ...repository] = process.argv.slice(2);
const programs = new Map(repository.map((text) => text.split('=')));
const running = new Map(); // instance id -> { child, connection, starting }
const asked = new Map(); // message_id of the Manager -> what it is about
const manager = connect({ host: managerAddress, port: 55555, localAddress: address });

manager.write(
  write(
    ['type', 'initiation_request'],
    ['message_id', 1],
    ['agent_network_address', address],
    ['service_repository', `(${[...programs.keys()].join(', ')})`],
  ),
);

const UP = {
  source_service: 'source_service_to_agent',
  dest_service: 'dest_service_to_agent',
  service_instance: 'service_instance_to_agent',
};
const DOWN = {
  session_response: 'agent_to_service',
  source_service_session_close_request: 'agent_to_source_service',
  dest_service_session_close_request: 'agent_to_dest_service',
  graceful_shutdown_request: 'agent_to_service_instance',
  service_instance_health_request: 'agent_to_service_instance',
};

lines(manager, (line) => {
  const message = read(line);
  const down = DOWN[message.type];
  if (message.type === 'execution_request') return execute(message);
  if (message.type === 'agent_health_control_request')
    return manager.write(
      write(
        ['type', 'agent_health_control_response'],
        ['message_id', message.message_id],
        ['sub_type', 'agent_to_Manager'],
        ['agent_network_address', address],
        ['status', 200],
      ),
    );
  if (message.type === 'hard_shutdown_request') {
    const instance = running.get(message.service_instance_id);
    const answer = (status) =>
      manager.write(
        write(
          ['type', 'hard_shutdown_response'],
          ['message_id', message.message_id],
          ['sub_type', 'agent_to_Manager'],
          ['service_instance_id', message.service_instance_id],
          ['status', status],
        ),
      );
    if (instance === undefined) return answer(404);
    instance.ended = () => answer(200);
    return instance.child.kill('SIGKILL');
  }
  if (down === undefined) return;
  const id =
    message.source_service_instance_id && message.type !== 'dest_service_session_close_request'
      ? message.source_service_instance_id
      : (message.dest_service_instance_id ?? message.service_instance_id);
  const instance = running.get(id);
  if (message.type === 'graceful_shutdown_request' && instance !== undefined) asked.set(message.message_id, instance);
  instance?.connection?.write(`${line.replace('sub_type: Manager_to_agent', `sub_type: ${down}`)}\n`);
});

function execute(message) {
  const answer = (status) =>
    manager.write(write(['type', 'execution_response'], ['message_id', message.message_id], ['status', status]));
  const program = programs.get(message.service_name);
  if (program === undefined) return answer(404);
  const child = spawn(
    process.execPath,
    [
      program,
      message.service_name,
      message.service_instance_id,
      address,
      message.socket_configuration ?? '',
      message.plug_configuration ?? '',
    ],
    { env: { PATH: process.env.PATH }, stdio: 'ignore' },
  );
  const instance = { child, connection: null, ready: () => answer(200), ended: null };
  running.set(message.service_instance_id, instance);
  child.on('exit', () => {
    running.delete(message.service_instance_id);
    instance.ended?.();
  });
}

createServer((socket) => {
  let instance = null;
  lines(socket, (line) => {
    const message = read(line);
    const id = message.source_service_instance_id ?? message.service_instance_id ?? message.dest_service_instance_id;
    if (id !== undefined && message.type !== 'dest_service_session_close_info') instance ??= running.get(id) ?? null;
    if (instance !== null) instance.connection = socket;
    if (message.type === 'service_instance_health_response' && message.message_id === '1') {
      instance?.ready();
      if (instance !== null) instance.ready = () => {};
      return;
    }
    const up = `${line.replace(/sub_type: \w+/, 'sub_type: agent_to_Manager')}\n`;
    const stopping = message.type === 'graceful_shutdown_response' ? asked.get(message.message_id) : undefined;
    if (stopping !== undefined) stopping.ended = () => manager.write(up);
    else if (Object.values(UP).includes(message.sub_type) || message.sub_type === 'service_to_agent') manager.write(up);
  });
}).listen(55556, address);

process.on('SIGTERM', () => {
  for (const { child } of running.values()) child.kill('SIGKILL');
  process.exit(0);
});
