/**
 * Dialogue: relay of the messages about sessions, in both directions. R10, R29, R39, R43, R44, R47.
 *
 * Lives here: passing on, and keeping what cannot be passed on yet. Does not live here: any knowledge of
 * sessions; those are the Manager's and the two ends'.
 *
 *   up     session_request           kept until it is answered, sent again after a new registration
 *   down   session_response          finds its request by (source instance, message_id) (R10)
 *   up     session_ack, …close_info  reports (reports.ts)
 *   down   …close_request            to the end it names; 404 when that is not here (R44)
 *   up     …close_response           finds its request by (connection, message_id) (R29)
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { ask, deliver, refuse, settle } from '../asked.ts';
import { REQUESTS_MAX, REQUESTS_PER_INSTANCE_MAX } from '../limits.ts';
import { hasProcess } from '../processes.ts';
import { report } from '../reports.ts';
import type { Connection, Instance, PendingRequest } from '../state.ts';
import type { Turn } from '../turn.ts';

type CloseRequest = Message<'source_service_session_close_request'> | Message<'dest_service_session_close_request'>;
type CloseResponse = Message<'source_service_session_close_response'> | Message<'dest_service_session_close_response'>;
type Report = Message<'session_ack' | 'source_service_session_close_info' | 'dest_service_session_close_info'>;

export function onSessionRequest(turn: Turn, instance: Instance, message: Message<'session_request'>): void {
  const { state } = turn;
  const key = keyOf(instance.id, message.message_id);
  // The instance connected again and asks again: the Manager is at it, the answer goes to the new connection.
  if (state.requests.has(key)) return;
  if (instance.requests.length >= REQUESTS_PER_INSTANCE_MAX) return answer(turn, instance, message, 429);
  if (state.requests.size >= REQUESTS_MAX) return answer(turn, instance, message, 503);
  const request: PendingRequest = {
    instance: instance.id,
    message: { ...message, sub_type: turn.subType(message.type) },
  };
  state.requests.set(key, request);
  instance.requests.push(message.message_id);
  turn.deadline('request', key, state.timers.sessionRequestMs);
  if (state.link.status === 'registered') turn.sendToManager(request.message);
}

export function onSessionResponse(turn: Turn, message: Message<'session_response'>): void {
  const { state } = turn;
  const found = findRequest(turn, message);
  const instance = found === null ? undefined : state.instances.get(found.instance);
  if (found === null || instance === undefined) return;
  takeOut(turn, instance, message.message_id);
  const passedOn = { ...message, sub_type: turn.subType(message.type, 'instance') };
  deliver(turn, instance, passedOn, state.timers.ackMs);
}

/** After a registration: what no Manager has answered. */
export function sendRequestsAgain(turn: Turn): void {
  for (const { instance, message } of turn.state.requests.values()) {
    const source = turn.state.instances.get(instance);
    if (source !== undefined) turn.sendToManager(message);
  }
}

/** Nobody answered within `sessionRequestMs`. */
export function onRequestDue(turn: Turn, key: string): void {
  const request = turn.state.requests.get(key);
  const instance = request === undefined ? undefined : turn.state.instances.get(request.instance);
  if (request === undefined || instance === undefined) return;
  takeOut(turn, instance, request.message.message_id);
  answer(turn, instance, request.message, 504);
}

/** Its instance is gone. */
export function forgetRequests(turn: Turn, instance: Instance): void {
  for (const messageId of [...instance.requests]) takeOut(turn, instance, messageId);
}

export function onSessionReport(turn: Turn, message: Report): void {
  report(turn, { ...message, sub_type: turn.subType(message.type) });
}

export function onCloseRequest(turn: Turn, message: CloseRequest): void {
  const id =
    message.type === 'source_service_session_close_request'
      ? message.source_service_instance_id
      : message.dest_service_instance_id;
  const instance = turn.state.instances.get(id);
  if (instance === undefined || !hasProcess(instance) || instance.mute) return refuse(turn, message, 404);
  ask(turn, instance, message);
}

export function onCloseResponse(turn: Turn, connection: Connection, message: CloseResponse): void {
  if (settle(turn, connection, message) === null) return;
  turn.sendToManager({ ...message, sub_type: turn.subType(message.type) });
}

/** The request a response belongs to. One without a source id (R37) belongs to the only request with its message_id. */
function findRequest(turn: Turn, message: Message<'session_response'>): PendingRequest | null {
  const { requests } = turn.state;
  const { source_service_instance_id: id, message_id: messageId } = message;
  if (id !== null) return requests.get(keyOf(id, messageId)) ?? null;
  let found: PendingRequest | null = null;
  for (const request of requests.values()) {
    if (request.message.message_id !== messageId) continue;
    if (found !== null) return null;
    found = request;
  }
  return found;
}

function takeOut(turn: Turn, instance: Instance, messageId: number): void {
  const key = keyOf(instance.id, messageId);
  turn.state.requests.delete(key);
  turn.clear('request', key);
  const at = instance.requests.indexOf(messageId);
  if (at !== -1) instance.requests.splice(at, 1);
}

/** The agent's own answer to a session_request; the fields nobody knows are empty (R37). */
function answer(turn: Turn, instance: Instance, request: Message<'session_request'>, status: number): void {
  const response: Message<'session_response'> = {
    type: 'session_response',
    message_id: request.message_id,
    sub_type: turn.subType('session_response', 'instance'),
    source_service_name: instance.service,
    source_service_instance_id: instance.id,
    dest_service_name: request.dest_service_name,
    dest_service_instance_id: null,
    dest_socket_name: request.dest_socket_name,
    dest_service_instance_network_address: null,
    dest_socket_port: null,
    status,
  };
  deliver(turn, instance, response, turn.state.timers.ackMs);
}

function keyOf(instance: number, messageId: number): string {
  return `${instance}/${messageId}`;
}
