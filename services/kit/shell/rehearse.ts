/**
 * A warm spare's rehearsal: one short life of an instance, in front of nobody.
 *
 * Lives here: an agent of a few lines on loopback and an instance that meets it, opens a session with itself, sends one
 * request and ends. Does not live here: anything of the real service; its files and plugs are not touched.
 *
 * Node loads its modules and compiles our functions when they are first used. In a spare that can happen before anybody
 * waits: with a rehearsal the hand-over of a role takes a quarter of the time. What fails here fails in silence, because
 * nothing depends on it.
 */
import { createServer } from 'node:net';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';
import { readArguments } from '../core/arguments.ts';
import { Instance } from './instance.ts';

const LOOPBACK = '127.0.0.1';
/** An id that no Manager gives. */
const NOBODY = Number.MAX_SAFE_INTEGER;
/** Longest rehearsal, in milliseconds. */
const REHEARSAL_MS = 2000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Rehearses in the background. */
export function rehearse(now: () => number): void {
  let instance: Instance | null = null;
  let port = 0;
  const agent = createServer((socket) => {
    socket.setEncoding('latin1');
    socket.on('error', () => undefined); // the instance's end of it tells
    socket.on('data', (chunk: string) => {
      for (const line of chunk.split('\n')) {
        const decoded = decode(line);
        const answer = decoded.ok ? answerTo(decoded.message, port) : null;
        if (answer !== null) socket.write(`${encode(answer)}\n`);
      }
    });
  });
  const end = (): void => {
    clearTimeout(timer);
    instance?.destroy();
    agent.close();
  };
  const timer = setTimeout(end, REHEARSAL_MS);
  agent.on('error', end);
  agent.listen(0, LOOPBACK, () => {
    const bound = agent.address();
    const settings = readArguments(['rehearsal', String(NOBODY), LOOPBACK, 'S, 54000', 'P, S, rehearsal'], 1);
    if (typeof settings === 'string' || bound === null || typeof bound === 'string') return end();
    instance = new Instance({
      settings: { ...settings, sockets: [{ socket: 'S', port: 0 }] },
      agentPort: bound.port,
      dataDir: null,
      env: {},
      log: SILENT,
      now,
      exit: end,
    });
    const plug = instance.context.plug('P');
    const handler = (request: { rest: string }): { type: string; rest: string } => ({ type: 'a', rest: request.rest });
    instance
      .run({ sockets: { S: handler } })
      .then(() => {
        port = instance?.listeningPort('S') ?? 0;
        return plug.request('a', ' ~ Line_1: x', { deadlineMs: REHEARSAL_MS });
      })
      .then(() => instance?.stop('the rehearsal is over'), end);
  });
}

/** The agent's part: a session with the instance itself, and a question for its health. */
function answerTo(message: Message, port: number): Message | null {
  if (message.type === 'session_request')
    return {
      type: 'session_response',
      message_id: message.message_id,
      sub_type: 'agent_to_service',
      source_service_name: message.source_service_name,
      source_service_instance_id: NOBODY,
      dest_service_name: message.dest_service_name,
      dest_service_instance_id: NOBODY,
      dest_socket_name: message.dest_socket_name,
      dest_service_instance_network_address: LOOPBACK,
      dest_socket_port: port,
      status: 200,
    };
  if (message.type === 'session_ack')
    return {
      type: 'service_instance_health_request',
      message_id: message.message_id,
      sub_type: 'agent_to_service_instance',
      service_instance_id: NOBODY,
      service_instance_network_address: LOOPBACK,
    };
  return null;
}
