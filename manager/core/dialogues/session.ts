/**
 * Dialogue: opening a session (session_request, session_response, session_ack). R10, R33, R36 to R42.
 *
 * Lives here: from the request of a plug to a session that is on. Does not live here: closing
 * (session-close.ts), the choice of an instance (policy/balancing.ts).
 *
 *   requested ──an instance is ready──▶ granted ──ack 200──▶ on
 *       │                                  │ ack 5xx: forgotten; the plug asks again
 *       └─ 403 404 409 429 503 504         └ 5 s: unconfirmed, an ack still counts
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { sessionKey } from '../../../ssmmp/core/address.ts';
import { isEdge, viewOf } from '../../../ssmmp/core/graph.ts';
import { isFailure, OK } from '../../../ssmmp/core/status.ts';
import { chooseInstance } from '../choose.ts';
import { dropGrant, isReady, nameOf, programName, reach, refreshLoad, refreshReady } from '../instances.ts';
import { reconcile } from '../reconcile.ts';
import {
  agentOf,
  REQUESTS_PER_INSTANCE_MAX,
  type Agent,
  type Grant,
  type Instance,
  type ServiceState,
  type Session,
} from '../state.ts';
import type { Turn } from '../turn.ts';
import { partOf } from '../versions.ts';
import { startAhead } from './execution.ts';
import { askClose, endSession } from './session-close.ts';
import { continueDrain, keepIdle } from './shutdown.ts';
import { askHealth } from './health.ts';

export function onSessionRequest(turn: Turn, agent: Agent, message: Message<'session_request'>): void {
  const { state, now } = turn;
  const source = state.instances.get(message.source_service_instance_id);
  if (
    source === undefined ||
    source.agent !== agent.key ||
    programName(source) !== message.source_service_name ||
    !mayAsk(source)
  )
    return refuse(turn, agent, message, 409);
  const { source_plug_name: plug, dest_socket_name: socket, dest_service_name: dest } = message;
  if (viewOf(state.index, dest) === null) return refuse(turn, agent, message, 404);
  if (!isEdge(state.index, source.service, plug, socket, dest)) return refuse(turn, agent, message, 403);

  const key = `${source.id}/${message.message_id}`;
  const known = state.grants.get(key);
  if (known !== undefined) {
    // The same request again: it gets the same answer (an agent sends what it kept after a reconnect).
    if (known.dest === null) return;
    const granted = state.instances.get(known.dest);
    if (granted !== undefined && isReady(turn, granted)) return answerGranted(turn, agent, source, known, granted);
    // The answer has not reached it, and what it was granted meanwhile ended, or is away: it is given another.
    dropGrant(turn, key);
    if (granted !== undefined) continueDrain(turn, granted);
  }
  if (state.sessionByGrant.has(key)) return refuse(turn, agent, message, 409);
  if (source.grantsOut.size >= REQUESTS_PER_INSTANCE_MAX) return refuse(turn, agent, message, 429);
  const service = state.services.get(dest);
  if (service === undefined || state.stopping !== null) return refuse(turn, agent, message, 503);

  const grant: Grant = {
    key,
    source: source.id,
    messageId: message.message_id,
    plug,
    socket,
    destService: dest,
    requestedAt: now,
    status: 'requested',
    dest: null,
    destPort: 0,
    told: 0,
    part: null,
  };
  state.grants.set(key, grant);
  source.grantsOut.add(key);
  if (tryGrant(turn, service, grant, source, agent)) return;
  service.waiting.add(key);
  turn.deadline('grant', key, state.timers.sessionRequestMs);
  for (const id of service.live) keepIdle(turn, state.instances.get(id));
  if (!service.waiting.has(key)) return;
  const before = service.live.size;
  reconcile(turn, service);
  if (service.live.size > before) startAhead(turn, service);
}

/** Gives the requests that wait for a service to its ready instances, in the order they came. */
export function serveWaiting(turn: Turn, service: ServiceState): void {
  for (const key of [...service.waiting]) {
    if (service.ready.size === 0) return;
    const grant = turn.state.grants.get(key);
    const source = grant === undefined ? undefined : turn.state.instances.get(grant.source);
    if (grant === undefined || source === undefined) service.waiting.delete(key);
    // One whose agent is away is passed over; it is served when the agent is back.
    else tryGrant(turn, service, grant, source, agentOf(turn.state, source));
  }
}

/** Answers all requests that wait for a service with a failure; `retryAfterMs`: when it is tried again, where that is known. */
export function answerWaiting(turn: Turn, service: ServiceState, status: number, retryAfterMs?: number): void {
  for (const key of [...service.waiting]) {
    const grant = turn.state.grants.get(key);
    if (grant !== undefined) failGrant(turn, grant, status, retryAfterMs);
  }
}

/** The deadline of a grant: 504 for one that still waits, unconfirmed for one without its ack (R39). */
export function onGrantDeadline(turn: Turn, key: string): void {
  const grant = turn.state.grants.get(key);
  if (grant === undefined) return;
  if (grant.status === 'requested') return failGrant(turn, grant, 504);
  if (grant.status === 'unconfirmed') return dropGrant(turn, key);
  grant.status = 'unconfirmed';
  turn.deadline('grant', key, turn.state.timers.orphanMs);
  const dest = grant.dest === null ? undefined : turn.state.instances.get(grant.dest);
  if (dest === undefined) return;
  dest.grantsIn.delete(key);
  refreshLoad(turn, dest);
  turn.event('session', `grant ${key} to ${nameOf(dest)} is unconfirmed: no session_ack`, { status: 'unconfirmed' });
  continueDrain(turn, dest);
}

export function onSessionAck(turn: Turn, agent: Agent, message: Message<'session_ack'>): void {
  const { state } = turn;
  const key = `${message.source_service_instance_id}/${message.message_id}`;
  const grant = state.grants.get(key);
  const source = state.instances.get(message.source_service_instance_id);
  if (grant === undefined || grant.dest === null || source === undefined || source.agent !== agent.key) return;
  const dest = state.instances.get(grant.dest);
  const { source_plug_port: plugPort } = message;
  dropGrant(turn, key);
  if (isFailure(message.status) || plugPort === null) {
    turn.event(
      'session',
      `${nameOf(source)} could not connect to ${dest === undefined ? grant.destService : nameOf(dest)}: ${message.status}`,
      {
        source_service_instance_id: source.id,
        status: message.status,
      },
    );
    // Refused: perhaps it is dead and its agent has not said so yet. It gets nothing until it answers (R33).
    if (dest?.status === 'on' && isFailure(message.status)) {
      dest.refused = true;
      refreshReady(turn, dest);
      askHealth(turn, dest);
    }
    // One that drains waits for its grants: this one came to nothing.
    if (dest !== undefined) continueDrain(turn, dest);
    return;
  }
  // The destination ended meanwhile: nothing is on, and the source finds its connection broken by itself.
  if (dest === undefined) return;
  open(turn, grant, source, plugPort, dest);
}

function open(turn: Turn, grant: Grant, source: Instance, sourcePort: number, dest: Instance): void {
  const { state, now } = turn;
  const key = sessionKey(source.address, sourcePort, dest.address, grant.destPort);
  const session: Session = {
    key,
    grant: grant.key,
    source: source.id,
    sourceAddress: source.address,
    sourcePort,
    plug: grant.plug,
    dest: dest.id,
    destAddress: dest.address,
    destPort: grant.destPort,
    socket: grant.socket,
    openedAt: now,
    status: 'on',
    asked: null,
    told: grant.told,
    part: grant.part ?? null,
    request: null,
  };
  // The same four numbers again: the session before has ended and its report was lost with an agent (R43).
  const before = state.sessions.get(key);
  if (before !== undefined) endSession(turn, before, null, 'its port is used again', 'dest');
  const tombstone = state.tombstones.get(key);
  state.sessions.set(key, session);
  state.sessionByGrant.set(grant.key, key);
  source.outgoing.add(key);
  dest.incoming.add(key);
  reach(source, dest.id, 1);
  refreshLoad(turn, dest);
  turn.event('session', `${key} on: ${nameOf(source)} ${grant.plug} → ${grant.socket} ${nameOf(dest)}`, {
    session: key,
    source_service_instance_id: source.id,
    dest_service_instance_id: dest.id,
    status: 'on',
  });
  if (tombstone?.early === true) {
    // The destination reported the end before this ack: an ack cannot bring a closed session back (R42).
    state.tombstones.delete(key);
    turn.clear('tombstone', key);
    endSession(turn, session, null, 'closed by the destination before the ack', 'source');
  } else if (dest.status !== 'on' && dest.status !== 'unknown') {
    // The grant was on its way while the destination began to drain (R33).
    askClose(turn, key, 'source', `${nameOf(dest)} drains`);
  } else if (!isEdge(state.index, source.service, grant.plug, grant.socket, dest.service)) {
    // … or while another graph was applied.
    askClose(turn, key, 'source', 'its edge is not in the graph any more');
  }
}

function tryGrant(turn: Turn, service: ServiceState, grant: Grant, source: Instance, agent: Agent | null): boolean {
  const dest = chooseInstance(turn, service, source, grant.socket);
  const port = dest?.sockets.find(({ socket }) => socket === grant.socket)?.port;
  if (dest === null || port === undefined || agent === null || agent.connection === null) return false;
  grant.status = 'granted';
  grant.dest = dest.id;
  grant.destPort = port;
  grant.told = Math.max(1, service.ready.size);
  grant.part = partOf(turn.state, service, dest);
  dest.usedAt = turn.now;
  service.choices += 1;
  service.lastChosen = dest.id;
  service.waiting.delete(grant.key);
  dest.grantsIn.add(grant.key);
  reach(source, dest.id, 1);
  refreshLoad(turn, dest);
  turn.deadline('grant', grant.key, turn.state.timers.ackMs);
  answerGranted(turn, agent, source, grant, dest);
  return true;
}

function answerGranted(turn: Turn, agent: Agent, source: Instance, grant: Grant, dest: Instance): void {
  turn.sendTo(agent, {
    type: 'session_response',
    message_id: grant.messageId,
    sub_type: turn.subType('session_response'),
    source_service_name: programName(source),
    source_service_instance_id: source.id,
    dest_service_name: dest.service,
    dest_service_instance_id: dest.id,
    dest_socket_name: grant.socket,
    dest_service_instance_network_address: dest.address,
    dest_socket_port: grant.destPort,
    status: OK,
    ...(grant.told > 1 ? { x: { x_replicas: String(grant.told), ...weightLine(grant) } } : {}),
  });
}

function weightLine({ part }: Grant): { x_weight?: string } {
  return part == null ? {} : { x_weight: String(part) };
}

/** Answers a request that waits with a failure, and forgets it. */
export function failGrant(turn: Turn, grant: Grant, status: number, retryAfterMs?: number): void {
  const source = turn.state.instances.get(grant.source);
  dropGrant(turn, grant.key);
  if (source === undefined) return;
  turn.event('session', `${nameOf(source)} asked for ${grant.destService} on ${grant.plug}: ${status}`, {
    source_service_instance_id: source.id,
    status,
  });
  turn.sendTo(agentOf(turn.state, source), {
    type: 'session_response',
    message_id: grant.messageId,
    sub_type: turn.subType('session_response'),
    source_service_name: programName(source),
    source_service_instance_id: source.id,
    dest_service_name: grant.destService,
    dest_service_instance_id: null,
    dest_socket_name: grant.socket,
    dest_service_instance_network_address: null,
    dest_socket_port: null,
    status,
    ...(retryAfterMs === undefined ? {} : { x: { x_retry_after: String(retryAfterMs) } }),
  });
}

/** Refuses a request that is no grant; 403 and 409 are in the history (R38). */
function refuse(turn: Turn, agent: Agent, message: Message<'session_request'>, status: number): void {
  const { source_service_name: name, source_service_instance_id: id } = message;
  turn.event(
    'session',
    `${name}/${id} asked for ${message.dest_service_name} on ${message.source_plug_name}: ${status}`,
    {
      source_service_instance_id: id,
      status,
    },
  );
  turn.sendTo(agent, {
    type: 'session_response',
    message_id: message.message_id,
    sub_type: turn.subType('session_response'),
    source_service_name: name,
    source_service_instance_id: id,
    dest_service_name: message.dest_service_name,
    dest_service_instance_id: null,
    dest_socket_name: message.dest_socket_name,
    dest_service_instance_network_address: null,
    dest_socket_port: null,
    status,
  });
}

/** An instance may ask while it lives; one that drains still has requests to finish. */
function mayAsk(source: Instance): boolean {
  return source.status !== 'off' && source.status !== 'killing';
}
