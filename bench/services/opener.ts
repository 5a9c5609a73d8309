// Bench service: an instance that does nothing but ask for sessions, and tells how long that took.
//
// Stands in the place of a gateway. On its user socket a line `N` makes it ask N times, one after the other, for a session over
// its only plug; it connects, acknowledges, closes and reports each. The answer is N times in milliseconds from the
// `session_request` to its `session_response`, and N times until the connection stood. Written on the codec alone, not on
// the kit, so that what is measured is agent and Manager.
import { connect, createServer, type Socket } from 'node:net';
import type { Message } from '../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../ssmmp/core/codec.ts';
import { readPlugs, readSockets } from '../../ssmmp/core/contents.ts';

const [serviceName = '', idText = '', address = '', socketText = '', plugText = ''] = process.argv.slice(2);
const id = Number(idText);
const socket = (readSockets(socketText) ?? [])[0];
const plug = (readPlugs(plugText) ?? [])[0];
if (socket === undefined || plug === undefined) throw new Error('opener needs a socket for its user and one plug');

/** Between two sessions, so that the end of one is not in the time of the next. */
const PAUSE_MS = 3;

const agent = connect({ host: address, port: Number(process.env['SSMMP_AGENT_PORT'] ?? 55556), noDelay: true });
const waiting = new Map<number, (message: Message<'session_response'>) => void>();
let lastMessageId = 1000;
let lastPort = 20_000;

const send = (message: Message): void => void agent.write(`${encode(message)}\n`);

function sayHealth(messageId: number): void {
  send({
    type: 'service_instance_health_response',
    message_id: messageId,
    sub_type: 'service_instance_to_agent',
    service_instance_id: id,
    status: 200,
  });
}

eachLine(agent, (line) => {
  const decoded = decode(line);
  if (!decoded.ok) return;
  const { message } = decoded;
  if (message.type === 'session_response') waiting.get(message.message_id)?.(message);
  if (message.type === 'service_instance_health_request') sayHealth(message.message_id);
  if (message.type === 'graceful_shutdown_request') process.exit(0);
});
agent.on('close', () => process.exit(0));

async function open(): Promise<{ granted: number; connected: number }> {
  const messageId = (lastMessageId += 1);
  const edge = plug as NonNullable<typeof plug>;
  const started = performance.now();
  const response = await new Promise<Message<'session_response'>>((resolve) => {
    waiting.set(messageId, resolve);
    send({
      type: 'session_request',
      message_id: messageId,
      sub_type: 'service_to_agent',
      source_service_name: serviceName,
      source_service_instance_id: id,
      source_service_instance_network_address: address,
      source_plug_name: edge.plug,
      dest_service_name: edge.service,
      dest_socket_name: edge.socket,
    });
  });
  waiting.delete(messageId);
  const granted = performance.now() - started;
  if (response.status !== 200) throw new Error(`session_response ${response.status}`);
  const host = response.dest_service_instance_network_address as string;
  const port = response.dest_socket_port as number;
  lastPort = lastPort === 31_999 ? 20_000 : lastPort + 1;
  const session = connect({ host, port, localAddress: address, localPort: lastPort });
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject));
  const connected = performance.now() - started;
  const source = { source_service_name: serviceName, source_service_instance_id: id };
  send({
    type: 'session_ack',
    message_id: messageId,
    sub_type: 'service_to_agent',
    ...source,
    source_plug_port: lastPort,
    dest_socket_new_port: port,
    status: 200,
  });
  session.destroy();
  send({
    type: 'source_service_session_close_info',
    message_id: (lastMessageId += 1),
    sub_type: 'source_service_to_agent',
    ...source,
    source_service_instance_network_address: address,
    source_plug_name: edge.plug,
    source_plug_port: lastPort,
    dest_service_name: edge.service,
    dest_service_instance_id: response.dest_service_instance_id,
    dest_service_instance_network_address: host,
    dest_socket_name: edge.socket,
    dest_socket_port: port,
    dest_socket_new_port: port,
    status: 111,
  });
  return { granted, connected };
}

async function answer(user: Socket, count: number): Promise<void> {
  const all: Array<{ granted: number; connected: number }> = [];
  for (let i = 0; i < count; i += 1) {
    all.push(await open());
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  user.write(
    `${all.map(({ granted }) => granted.toFixed(4)).join(' ')};${all.map(({ connected }) => connected.toFixed(4)).join(' ')}\n`,
  );
}

function eachLine(from: Socket, onLine: (line: string) => void): void {
  let rest = '';
  from.setEncoding('latin1');
  from.on('error', () => from.destroy());
  from.on('data', (chunk: unknown) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() as string;
    lines.forEach(onLine);
  });
}

createServer((user) =>
  eachLine(user, (line) => {
    answer(user, Number(line)).catch((error: unknown) => user.write(`error ${String(error)}\n`));
  }),
).listen(socket.port, address, () => sayHealth(1));
