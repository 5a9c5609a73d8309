// An agent for SSMMP/1.1 in one file, without any library: node agent.mjs --address A --manager M --repository FILE
//
// Read it from the bottom: what it is started with, the two sockets, then what it does with a message from either side.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';

const MESSAGE_BYTES_MAX = 64 * 1024; // R07
const OFFENCES_MAX = 3; // R03
const KEPT_MAX = 1000; // messages that wait for the Manager
const SILENT_MS = 500; // no hello for so long: look at the sockets (R26)
const PROBE_MS = 100;
const START_MS = 10_000;
const RECONNECT_MS = [50, 250];

// ---- messages: one line of text, ' ~ ' between its lines ----

const write = (...lines) => `${lines.map(([name, contents]) => `${name}: ${contents}`).join(' ~ ')}\n`;

/** The lines of a message by name, or null for what cannot be read. */
function read(line) {
  if (/[^\x20-\x7e]/.test(line)) return null;
  const message = {};
  for (const part of line.replace(/ ~ ?$/, '').split(' ~ ')) {
    const colon = part.indexOf(':');
    if (colon < 1) return null;
    const name = part.slice(0, colon).trim();
    if (name in message) return null;
    message[name] = part.slice(colon + 1).trim();
  }
  return /^[1-9][0-9]*$/.test(message.message_id ?? '') && message.type !== undefined ? message : null;
}

/** Calls `take` with every line of a socket; cut pieces are put together, glued ones taken apart, CRLF is read too. */
function lines(socket, take) {
  let rest = '';
  socket.setEncoding('latin1').on('data', (text) => {
    rest += text;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end).replace(/\r$/, '');
      rest = rest.slice(end + 1);
      if (line.length > MESSAGE_BYTES_MAX) return socket.destroy();
      take(line);
    }
    if (rest.length > MESSAGE_BYTES_MAX) socket.destroy();
  });
}

const toManager = (line) => line.replace(/sub_type: \w+/, 'sub_type: agent_to_Manager');

// ---- instances: id -> {id, service, child, connection, state, ports} ----

const instances = new Map();

function execute(message) {
  const id = message.service_instance_id;
  const answer = (status) =>
    tell(write(['type', 'execution_response'], ['message_id', message.message_id], ['status', status]));
  if (message.agent_network_address !== address) return answer(421);
  const known = instances.get(id);
  if (known !== undefined) return known.state === 'on' ? answer(200) : known.answers.push(answer);
  const entry = repository[message.service_name];
  if (entry === undefined) return answer(404);

  const [program, ...args] = entry.run;
  const sockets = message.socket_configuration ?? '';
  const words = [...args, message.service_name, id, address, sockets, message.plug_configuration ?? ''];
  const { PATH, HOME, LANG } = process.env;
  const child = spawn(program, words, {
    cwd: dirname(options.repository),
    env: { PATH, HOME, LANG, ...entry.env },
    stdio: 'ignore',
    detached: true,
  });
  const ports = sockets === '' ? [] : sockets.split(' & ').map((one) => Number(one.split(', ')[1]));
  const instance = {
    id,
    service: message.service_name,
    child,
    connection: null,
    state: 'starting',
    ports,
    answers: [answer],
    onEnd: null,
  };
  instances.set(id, instance);
  setTimeout(() => probe(instance, Date.now() + START_MS), SILENT_MS);
  child.on('error', () => ended(instance, 'code 127'));
  child.on('exit', (code, signal) => ended(instance, signal === null ? `code ${code}` : `signal ${signal}`));
}

function ready(instance, status) {
  if (instance.state !== 'starting') return;
  instance.state = status === 200 ? 'on' : 'failed';
  for (const answer of instance.answers.splice(0)) answer(status);
}

/** No hello: the instance is ready when every socket that it was given accepts a connection. */
async function probe(instance, deadline) {
  if (instance.state !== 'starting') return;
  const isOpen = (port) =>
    new Promise((resolve) => {
      const socket = connect(port, address, () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
  const open = await Promise.all(instance.ports.map(isOpen));
  if (open.length > 0 && open.every(Boolean)) return ready(instance, 200);
  if (Date.now() < deadline) return setTimeout(() => probe(instance, deadline), PROBE_MS);
  ready(instance, 504);
  kill(instance);
}

function kill(instance) {
  try {
    process.kill(-instance.child.pid, 'SIGKILL'); // its whole process group (R34)
  } catch {
    instance.child.kill('SIGKILL'); // it has no group of its own any more
  }
}

/** Its process is gone: whoever waited for that is answered, and a death that nobody asked for is reported once (R30, R31). */
function ended(instance, exit) {
  if (!instances.delete(instance.id)) return;
  const failed = instance.state !== 'on';
  ready(instance, 500);
  if (instance.onEnd !== null) return instance.onEnd();
  if (failed) return;
  const report = [
    ['type', 'service_instance_termination_info'],
    ['message_id', instance.leaving ?? nextId()],
    ['sub_type', 'agent_to_Manager'],
    ['service_name', instance.service],
    ['service_instance_id', instance.id],
    ['service_instance_network_address', address],
  ];
  if (instance.leaving === undefined) report.push(['x_exit', exit]);
  tell(write(...report));
}

// ---- from an instance ----

/** Which line names the instance that speaks. */
const SPEAKER = {
  session_request: 'source_service_instance_id',
  session_ack: 'source_service_instance_id',
  source_service_session_close_info: 'source_service_instance_id',
  dest_service_session_close_info: 'dest_service_instance_id',
  service_instance_health_response: 'service_instance_id',
  service_instance_termination_info: 'service_instance_id',
};
const ANSWERS = [
  'source_service_session_close_response',
  'dest_service_session_close_response',
  'graceful_shutdown_response',
];

function fromInstance(line, connection) {
  const message = read(line);
  const isKnown = message !== null && (message.type in SPEAKER || ANSWERS.includes(message.type));
  if (!isKnown) {
    connection.offences = (connection.offences ?? 0) + 1;
    if (connection.offences >= OFFENCES_MAX) connection.destroy();
    return;
  }
  if (connection.instance === undefined) {
    connection.instance = instances.get(message[SPEAKER[message.type]]);
    if (connection.instance !== undefined) connection.instance.connection = connection;
  }
  const { instance } = connection;
  if (instance === undefined) return;
  if (message.type === 'service_instance_health_response' && message.message_id === '1') return ready(instance, 200); // its hello
  if (message.type === 'service_instance_termination_info') {
    instance.leaving = message.message_id; // told when it is gone
    return;
  }
  if (message.type === 'graceful_shutdown_response') {
    instance.onEnd = () => tell(`${toManager(line)}\n`); // "off" needs proof of death
    return;
  }
  tell(`${toManager(line)}\n`);
}

// ---- from the Manager ----

/** Who a message is for, and what it is called on its way down. */
const DOWN = {
  session_response: ['source_service_instance_id', 'agent_to_service'],
  source_service_session_close_request: ['source_service_instance_id', 'agent_to_source_service'],
  dest_service_session_close_request: ['dest_service_instance_id', 'agent_to_dest_service'],
  graceful_shutdown_request: ['service_instance_id', 'agent_to_service_instance'],
  service_instance_health_request: ['service_instance_id', 'agent_to_service_instance'],
};

function fromManager(line) {
  const message = read(line);
  if (message === null) return console.error(`unreadable from the Manager: ${line.slice(0, 80)}`);
  if (message.type === 'initiation_response') return registered(Number(message.status));
  if (message.type === 'execution_request') return execute(message);
  const respond = (type, ...fields) =>
    tell(write(['type', type], ['message_id', message.message_id], ['sub_type', 'agent_to_Manager'], ...fields));
  if (message.type === 'agent_health_control_request')
    return respond('agent_health_control_response', ['agent_network_address', address], ['status', 200]);
  if (message.type === 'hard_shutdown_request') {
    const instance = instances.get(message.service_instance_id);
    const answer = (status) =>
      respond('hard_shutdown_response', ['service_instance_id', message.service_instance_id], ['status', status]);
    if (instance === undefined) return answer(404);
    instance.onEnd = () => answer(200);
    return kill(instance);
  }
  const down = DOWN[message.type];
  if (down === undefined) return;
  const id = message[down[0]];
  const instance = instances.get(id);
  if (instance !== undefined && instance.connection !== null)
    return instance.connection.write(line.replace('sub_type: Manager_to_agent', `sub_type: ${down[1]}`) + '\n');
  if (message.type === 'service_instance_health_request')
    return respond('service_instance_health_response', ['service_instance_id', id], ['status', 404]);
  if (message.type !== 'session_response') respond(message.type.replace('_request', '_response'), ['status', 404]);
}

// ---- the link to the Manager ----

let manager = null;
let isRegistered = false;
const kept = [];
let id = 0;

function nextId() {
  id += 1;
  return id;
}

/** Now, or when the agent is registered again. */
function tell(text) {
  if (isRegistered) manager.write(text);
  else if (kept.length < KEPT_MAX) kept.push(text);
}

function register() {
  manager = connect({ host: managerHost, port: managerPort, localAddress: address });
  manager.on('connect', () => {
    const names = Object.keys(repository).join(', ');
    const head = [
      ['type', 'initiation_request'],
      ['message_id', nextId()],
    ];
    manager.write(write(...head, ['agent_network_address', address], ['service_repository', `(${names})`]));
  });
  manager.on('error', () => {}); // 'close' follows
  manager.on('close', () => {
    isRegistered = false;
    const [least, most] = RECONNECT_MS;
    setTimeout(register, least + Math.random() * (most - least));
  });
  lines(manager, fromManager);
}

function registered(status) {
  if (status >= 400 && status < 500) {
    console.error(`the Manager does not take me: status ${status}`);
    process.exit(1);
  }
  if (status !== 200) return manager.destroy(); // later is not never (R52)
  isRegistered = true;
  for (const text of kept.splice(0)) tell(text);
}

// ---- start ----

const options = {};
for (let at = 2; at < process.argv.length; at += 2) options[process.argv[at].replace(/^--/, '')] = process.argv[at + 1];
const { address } = options;
const [managerHost, managerPort = 55_555] = options.manager.split(/:(?=[0-9]+$)/);
const repository = JSON.parse(readFileSync(options.repository, 'utf8')).services;

createServer((socket) => {
  socket.on('error', () => socket.destroy());
  lines(socket, (line) => fromInstance(line, socket));
}).listen(55_556, address, register);

process.on('SIGTERM', () => {
  for (const instance of instances.values()) kill(instance);
  process.exit(0);
});
