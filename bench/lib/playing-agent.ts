// An agent and a Manager in one, as small as can be: starts instances, answers their session requests from a fixed table.
//
// For benches of the data path, where the real ones have no part: sessions are set up once and requests pass between the
// instances. It speaks SSMMP with the project's codec, checks nothing and decides nothing.
import { createServer, type Server, type Socket } from 'node:net';
import type { Message, PlugSetting, SocketSetting } from '../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../ssmmp/core/codec.ts';
import { writePlugs, writeSockets } from '../../ssmmp/core/contents.ts';
import { startNode, type Child } from './children.ts';

export interface Instance {
  readonly service: string;
  readonly file: string;
  readonly sockets: readonly SocketSetting[];
  readonly plugs: readonly PlugSetting[];
}

export interface PlayingAgent {
  readonly instances: ReadonlyMap<string, Child>;
  stop(): Promise<void>;
}

/**
 * Starts the instances at one address, the first one last in the chain, and resolves when all have said hello. `reachedAt`:
 * the ports, by socket, that callers are given instead of the socket's own.
 */
export async function playAgent(
  address: string,
  agentPort: number,
  instances: readonly Instance[],
  reachedAt: Readonly<Record<string, number>> = {},
): Promise<PlayingAgent> {
  const started = new Map<string, Child>();
  const said = new Map<number, () => void>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    let rest = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: unknown) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) onLine(line, socket);
    });
  });

  function onLine(line: string, socket: Socket): void {
    const decoded = decode(line);
    if (!decoded.ok) throw new Error(`an instance sent what cannot be read (${decoded.problem}): ${line}`);
    const { message } = decoded;
    if (message.type === 'service_instance_health_response') said.get(message.service_instance_id)?.();
    if (message.type === 'session_request') socket.write(`${encode(grant(message))}\n`);
  }

  function grant(request: Message<'session_request'>): Message<'session_response'> {
    const index = instances.findIndex(({ service }) => service === request.dest_service_name);
    const port = instances[index]?.sockets.find(({ socket }) => socket === request.dest_socket_name)?.port;
    if (port === undefined) throw new Error(`nobody has ${request.dest_service_name} ${request.dest_socket_name}`);
    return {
      type: 'session_response',
      message_id: request.message_id,
      sub_type: 'agent_to_service',
      source_service_name: request.source_service_name,
      source_service_instance_id: request.source_service_instance_id,
      dest_service_name: request.dest_service_name,
      dest_service_instance_id: index + 1,
      dest_socket_name: request.dest_socket_name,
      dest_service_instance_network_address: address,
      dest_socket_port: reachedAt[request.dest_socket_name] ?? port,
      status: 200,
    };
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(agentPort, address, resolve));
  for (const [index, { service, file, sockets, plugs }] of instances.entries()) {
    const hello = new Promise<void>((resolve) => said.set(index + 1, resolve));
    const child = startNode([file, service, String(index + 1), address, writeSockets(sockets), writePlugs(plugs)], {
      env: { SSMMP_AGENT_PORT: String(agentPort), SSMMP_DATA_DIR: '' },
    });
    started.set(service, child);
    await hello;
  }
  return {
    instances: started,
    stop: async () => {
      await Promise.all(
        [...started.values()].map((child) => child.end(process.argv.includes('--cpu-prof') ? 'SIGTERM' : 'SIGKILL')),
      );
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
