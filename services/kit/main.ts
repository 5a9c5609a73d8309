/**
 * The kit's front door: `runService`, called by every services/<name>/main.ts.
 *
 * First, thin version: enough to be started by an agent, to be greeted, to serve and to call. The machine of
 * services/kit/core takes its place.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { sessionKey } from '../../ssmmp/core/address.ts';
import type { Message } from '../../ssmmp/core/catalog.ts';
import { decode, encode, readPlugs, readSockets } from '../../ssmmp/core/codec.ts';
import { formatLine, isLineError, parseLine, type LineMessage } from '../protocols/line.ts';
import { PlugError, type Logger, type Plug, type ServiceContext, type ServiceDefinition } from './service.ts';

type Create = ServiceDefinition | ((context: ServiceContext) => ServiceDefinition);

/** Runs a service as the instance that the process's five arguments name. Call it once, last. */
export function runService(definition: Create): void {
  run(definition).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}

async function run(create: Create): Promise<void> {
  const [serviceName, id, address, socketText, plugText] = process.argv.slice(2);
  const sockets = readSockets(socketText ?? '');
  const plugs = readPlugs(plugText ?? '');
  if (
    serviceName === undefined ||
    address === undefined ||
    plugText === undefined ||
    sockets === null ||
    plugs === null
  )
    throw new Error('expected: service_name service_instance_id address socket_configuration plug_configuration');
  const instanceId = Number(id);
  const agent = createConnection({ host: address, port: Number(process.env['SSMMP_AGENT_PORT'] ?? 55556) });
  const send = (message: Message): void => void agent.write(`${encode(message)}\n`);
  const write = (level: number) => (obj: object, msg: string) =>
    console.log(JSON.stringify({ level, time: new Date().toISOString(), pid: process.pid, ...obj, msg }));
  const log: Logger = { info: write(30), warn: write(40), error: write(50) };
  const waiting = new Map<number, (message: Message<'session_response'>) => void>();
  let nextMessageId = 1000;

  const open = (plugName: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const edge = plugs.find(({ plug }) => plug === plugName);
      if (edge === undefined) throw new Error(`no plug ${plugName}`);
      const messageId = nextMessageId++;
      waiting.set(messageId, (granted) => {
        if (granted.status >= 300 || granted.dest_service_instance_network_address === null)
          return reject(new PlugError(503, `no session for ${plugName}: ${granted.status}`));
        const socket = createConnection({
          host: granted.dest_service_instance_network_address,
          port: granted.dest_socket_port as number,
          localAddress: address,
          localPort: 20000 + Math.floor(Math.random() * 12000),
          noDelay: true,
        });
        const ack = (status: number): void =>
          send({
            type: 'session_ack',
            message_id: messageId,
            sub_type: 'service_to_agent',
            source_service_name: serviceName,
            source_service_instance_id: instanceId,
            source_plug_port: status === 200 ? (socket.localPort as number) : null,
            dest_socket_new_port: granted.dest_socket_port,
            status,
          });
        socket.once('connect', () => {
          ack(200);
          resolve(socket);
        });
        socket.on('error', (error) => {
          if (socket.localPort === undefined) ack(502);
          reject(new PlugError(503, error.message));
        });
      });
      send({
        type: 'session_request',
        message_id: messageId,
        sub_type: 'service_to_agent',
        source_service_name: serviceName,
        source_service_instance_id: instanceId,
        source_service_instance_network_address: address,
        source_plug_name: plugName,
        dest_service_name: edge.service,
        dest_socket_name: edge.socket,
      });
    });

  const opened = new Map<string, Plug>();
  const makePlug = (name: string): Plug => {
    let session: Promise<Socket> | null = null;
    const pending = new Map<number, (m: LineMessage) => void>();
    let ids = 0;
    const request = async (type: string, rest: string): Promise<LineMessage> => {
      session ??= open(name).then((socket) => {
        eachLine(socket, (line) => {
          const response = parseLine(line);
          pending.get(response.id)?.(response as LineMessage);
          pending.delete(response.id);
        });
        socket.on('close', () => (session = null));
        return socket;
      });
      session.catch(() => (session = null));
      const socket = await session;
      return new Promise((resolve) => {
        pending.set((ids += 1), resolve);
        socket.write(`${formatLine(type, ids, rest)}\n`);
      });
    };
    return {
      request,
      forward: (type, rest, done) =>
        void request(type, rest).then(
          (m) => done(m, null),
          (e: PlugError) => done(null, e),
        ),
    };
  };
  const context: ServiceContext = {
    serviceName,
    instanceId,
    address,
    dataDir: process.env['SSMMP_DATA_DIR'] ?? null,
    env: process.env as Record<string, string>,
    log,
    socketNames: sockets.map(({ socket }) => socket),
    plugNames: plugs.map(({ plug }) => plug),
    plug(name) {
      const plug = opened.get(name) ?? makePlug(name);
      opened.set(name, plug);
      return plug;
    },
    orderedPlug() {
      throw new Error('not there yet');
    },
    now: Date.now,
  };
  const definition = typeof create === 'function' ? create(context) : create;
  await definition.start?.(context);
  await Promise.all(
    sockets.map(async ({ socket: name, port }) => {
      const raw = definition.rawSockets?.[name];
      if (raw !== undefined) return void (await raw(context, port));
      const handler = definition.sockets?.[name];
      if (handler === undefined) throw new Error(`${serviceName} has no socket '${name}'`);
      const server = createServer({ noDelay: true }, (socket) => {
        const session = { key: sessionKey(socket.remoteAddress as string, socket.remotePort as number, address, port) };
        socket.on('error', () => socket.destroy());
        eachLine(socket, (line) => {
          const message = parseLine(line);
          if (isLineError(message)) return void socket.destroy();
          const answer = (type: string, rest: string): void =>
            void socket.write(`${formatLine(type, message.id, rest)}\n`);
          Promise.resolve(handler(message, session, answer)).then(
            (reply) => reply && answer(reply.type, reply.rest),
            (error: unknown) => log.error({ error: String(error) }, 'handler failed'),
          );
        });
      });
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
    }),
  );
  const health = (messageId: number): void =>
    send({
      type: 'service_instance_health_response',
      message_id: messageId,
      sub_type: 'service_instance_to_agent',
      service_instance_id: instanceId,
      status: 200,
    });
  agent.on('error', () => process.exit(1));
  eachLine(agent, (line) => {
    const decoded = decode(line);
    if (!decoded.ok) return;
    const { message } = decoded;
    if (message.type === 'session_response') waiting.get(message.message_id)?.(message);
    if (message.type === 'service_instance_health_request') health(message.message_id);
    if (message.type === 'graceful_shutdown_request')
      void Promise.resolve(definition.stop?.()).then(() => {
        send({
          type: 'graceful_shutdown_response',
          message_id: message.message_id,
          sub_type: 'service_instance_to_agent',
          status: 200,
        });
        agent.end(() => process.exit(0));
      });
  });
  health(1);
}

function eachLine(socket: Socket, take: (line: string) => void): void {
  let held = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const lines = (held + chunk).split('\n');
    held = lines.pop() as string;
    lines.forEach(take);
  });
}
