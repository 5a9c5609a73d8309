/**
 * A Manager's operator port without a Manager, for tests of the command `ssmmp`.
 *
 * It answers with the rows it was given, asks for the token, keeps the commands it got, and pushes events to whoever
 * watches.
 */
import { DEFAULT_POLICIES } from '../../../ssmmp/core/graph.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { OperatorEvent } from '../../../operator/core/event-text.ts';
import type { Everything } from '../../../operator/core/describe.ts';
import type { RowsOf } from '../../../operator/core/rows.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';

export interface FakeState extends Everything {
  readonly timers: readonly RowsOf['timers'][];
  readonly events: OperatorEvent[];
  readonly trace: readonly TraceEntry[];
  isReady: boolean;
  /** Status and body that the next command is answered with. */
  commandAnswer: { status: number; body: unknown };
  /** Called with each command before its answer; may push events, and may change the answer. */
  onCommand?: (body: Record<string, unknown>) => void;
}

export interface FakeManager {
  readonly address: string;
  readonly port: number;
  readonly commands: unknown[];
  push(event: OperatorEvent): void;
  watchers(): number;
  close(): Promise<void>;
}

export async function startFakeManager(address: string, token: string, state: FakeState): Promise<FakeManager> {
  const commands: unknown[] = [];
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? '/', 'http://fake');
    if (url.pathname === '/readyz') {
      return answer(state.isReady ? 200 : 503, { reason: state.isReady ? 'served' : 'no gateway runs' });
    }
    if (request.headers.authorization !== `Bearer ${token}`)
      return answer(401, { status: 401, message: 'wrong token', data: null });
    if (url.pathname === '/v1/commands') {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>;
        commands.push(body);
        state.onCommand?.(body);
        answer(state.commandAnswer.status, state.commandAnswer.body);
      });
      return;
    }
    const kind = url.pathname.replace('/v1/', '');
    if (kind === 'events')
      return answer(
        200,
        state.events.filter(({ seq }) => seq > Number(url.searchParams.get('since') ?? 0)),
      );
    if (kind in state) return answer(200, state[kind as keyof FakeState]);
    answer(404, { status: 404, message: `no ${url.pathname}`, data: null });
  });
  const sockets = new Set<WebSocket>();
  const webSockets = new WebSocketServer({ server, path: '/v1/events' });
  webSockets.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    address,
    port: (server.address() as AddressInfo).port,
    commands,
    push: (event) => {
      state.events.push(event);
      for (const socket of sockets) socket.send(JSON.stringify(event));
    },
    watchers: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Two nodes, a gateway, a service with an instance that is off, a session: enough for every command. */
export function smallState(): FakeState {
  const session = {
    source_service_name: 'gw',
    source_service_instance_id: 1,
    source_service_instance_network_address: '127.0.47.11',
    source_plug_name: 'p',
    source_plug_port: 20001,
    dest_service_name: 'post',
    dest_service_instance_id: 5,
    dest_service_instance_network_address: '127.0.47.12',
    dest_socket_name: 's',
    dest_socket_port: 54001,
    dest_socket_new_port: 54001,
  };
  const post = {
    service_name: 'post',
    service_instance_network_address: '127.0.47.12',
    sockets: [{ name: 's', port: 54001 }],
  };
  return {
    nodes: [
      { agent_network_address: '127.0.47.11', node: 1, status: 'registered' },
      { agent_network_address: '127.0.47.12', node: 2, status: 'suspect' },
    ],
    services: [
      { service_name: 'gw', kind: 'gateway', desired: 1, running: 1, status: 'on' },
      { service_name: 'post', kind: 'service', desired: 1, running: 0, status: 'crash-looping' },
    ],
    instances: [
      {
        service_name: 'gw',
        service_instance_id: 1,
        service_instance_network_address: '127.0.47.11',
        status: 'on',
        pid: 4242,
        sockets: [{ name: 'u', port: 8080 }],
      },
      { ...post, service_instance_id: 4, status: 'off', pid: null },
      { ...post, service_instance_id: 5, status: 'on', pid: 4243 },
    ],
    sessions: [
      { ...session, source_plug_port: 20000, status: 'closed' },
      { ...session, status: 'on' },
    ],
    gateways: [{ address: '127.0.47.11', port: 8080, name: 'gw-1.tiny.test' }],
    timers: [
      {
        name: 'lostMs',
        ms: 34_000,
        preset: 'kubernetes',
        preset_ms: 340_000,
        lab_ms: 5000,
        factor: 0.1,
        meaning: 'Lost.',
      },
    ],
    graph: {
      cnapp: 'tiny',
      alias: 'gateway.tiny.test',
      services: [
        {
          name: 'gw',
          kind: 'gateway',
          publicSockets: [{ name: 'u', port: 8080 }],
          replicas: { min: 1, max: null },
          idleAfterMs: null,
        },
        { name: 'post', kind: 'service', publicSockets: [], replicas: { min: 0, max: 5 }, idleAfterMs: null },
      ],
      edges: [{ source: 'gw', plug: 'p', socket: 's', dest: 'post' }],
      policies: DEFAULT_POLICIES,
    },
    events: [{ seq: 1, time: '2025-01-31T12:00:00.000Z', kind: 'instance_on', text: 'gw/1 is on' }],
    trace: [],
    isReady: true,
    commandAnswer: { status: 200, body: { service_instance_id: 5, status: 'off' } },
  };
}
