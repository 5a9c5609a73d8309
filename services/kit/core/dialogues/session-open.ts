/**
 * Opening a session: session_request, session_response, dial, session_ack; one message_id for all (the instance's).
 *
 * Lives here: one exchange from the wish to the acknowledgement, and the pauses between tries. Does not live here: the
 * end of a session (session-close.ts), which requests wait for it (the shell).
 *
 *     session_needed -> requested -200-> dialing -dialed-> on (ack 200)
 *                           |                \-dial_failed-> ack 502 or 504, ask again (R33)
 *                           |-503 with x_retry_after: it crash-loops -> the requests fail at once, and know when to come again
 *                           \-429, 409, 5xx-> ask again after a pause   \-other 4xx-> the requests fail
 *
 * An exchange that was given up (no answer in time, or the agent's connection broke with it) is never continued: the
 * next try has an id of its own, and a late grant is acknowledged with 504, so that the Manager does not wait.
 */
import { sessionKey } from '../../../../ssmmp/core/address.ts';
import type { Message } from '../../../../ssmmp/core/catalog.ts';
import { isFailure, OK, statusText } from '../../../../ssmmp/core/status.ts';
import { SOURCE_PORT_TRIES_MAX, nextSourcePort } from '../ports.ts';
import type { Granted, Opening, PlugState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { missingSessions, noteReplicas, sessionsOf } from './replicas.ts';

const REFUSED = 502;
const UNAVAILABLE = 503;
const NOT_IN_TIME = 504;
/** Failures that pass by themselves although they are 4xx: source not (yet) alive, too many requests under way. */
const PASSING = new Set([409, 429]);
/** Given-up exchanges that are remembered for their late grants. */
const ABANDONED_MAX = 64;

/** A plug that is in use wants a session; nothing happens when it has, or opens, enough of them. */
export function sessionNeeded(turn: Turn, name: string, atLeast: number): void {
  const plug = turn.state.plugs.get(name);
  if (plug === undefined || plug.needed) return;
  const { ending } = turn.state;
  if (ending !== null && ending.phase !== 'sockets') return failRequests(turn, plug, 'the instance ends', 0);
  if (missingSessions(turn.state, plug, atLeast) <= 0) return;
  if (isHeld(turn, plug)) return failHeld(turn, plug, 'it is crash-looping');
  plug.needed = true;
  if (turn.state.link === 'connected' && !turn.state.deadlines.has(`retry/${name}`)) askForMissing(turn, plug, atLeast);
}

/** The agent is there again. */
export function askForNeeded(turn: Turn): void {
  for (const plug of turn.state.plugs.values())
    if (plug.needed && !turn.state.deadlines.has(`retry/${plug.plug}`)) askForMissing(turn, plug, 1);
}

/** The pause between two tries is over; the need may have passed meanwhile, so it is asked for anew. */
export function retryDue(turn: Turn, name: string): void {
  const plug = turn.state.plugs.get(name);
  if (plug === undefined) return;
  plug.needed = false;
  turn.do({ kind: 'check_need', plug: name });
}

function askForMissing(turn: Turn, plug: PlugState, atLeast: number): void {
  plug.needed = false;
  for (let left = missingSessions(turn.state, plug, atLeast); left > 0; left -= 1) ask(turn, plug);
}

function ask(turn: Turn, plug: PlugState): void {
  const { state } = turn;
  const id = state.nextMessageId;
  state.nextMessageId += 1;
  state.openings.set(id, { id, plug: plug.plug, granted: null });
  turn.deadline('opening', id, state.timers.sessionRequestMs);
  turn.send({
    type: 'session_request',
    message_id: id,
    sub_type: turn.subType('session_request'),
    source_service_name: state.settings.serviceName,
    source_service_instance_id: state.settings.instanceId,
    source_service_instance_network_address: state.settings.address,
    source_plug_name: plug.plug,
    dest_service_name: plug.service,
    dest_socket_name: plug.socket,
  });
}

export function sessionResponse(turn: Turn, message: Message<'session_response'>): void {
  const { state } = turn;
  const opening = state.openings.get(message.message_id);
  if (opening === undefined || opening.granted !== null) return lateResponse(turn, message);
  const plug = state.plugs.get(opening.plug) as PlugState;
  if (isFailure(message.status)) {
    giveUp(turn, opening);
    const { status } = message;
    const text = `session_response ${status}, ${statusText('session_response', status)}`;
    if (status === UNAVAILABLE && noteHeld(turn, plug, message)) return failHeld(turn, plug, text);
    if (status >= 500 || PASSING.has(status)) return pause(turn, plug, text);
    return failRequests(turn, plug, text, state.timers.sessionRetryMostMs);
  }
  const destAddress = message.dest_service_instance_network_address;
  const destPort = message.dest_socket_port;
  if (destAddress === null || destPort === null) {
    giveUp(turn, opening);
    acknowledge(turn, opening.id, null, REFUSED);
    return pause(turn, plug, 'the grant names no address');
  }
  plug.heldUntil = 0;
  opening.granted = {
    destService: message.dest_service_name ?? plug.service,
    destInstanceId: message.dest_service_instance_id,
    destSocket: message.dest_socket_name ?? plug.socket,
    destAddress,
    destPort,
    ...partOf(message),
    sourcePort: 0,
    portTries: 0,
  };
  turn.deadline('opening', opening.id, state.timers.dialMs);
  dial(turn, opening.id, opening.granted);
  noteReplicas(turn, plug, message);
  // The others at once: the plug was in use when it asked for this one.
  if (!state.deadlines.has(`retry/${plug.plug}`)) askForMissing(turn, plug, 1);
}

/** What `x_weight` says; a line that cannot be read says nothing. */
function partOf(message: Message<'session_response'>): { part?: number } {
  const told = message.x?.x_weight ?? '';
  return /^[1-9]\d{0,3}$/.test(told) ? { part: Number(told) } : {};
}

/**
 * Notes that the destination crash-loops: for as long as `x_retry_after` says there is no use in waiting. The Manager is asked
 * again a little later all the same, when requests come: somebody may repair the service before its time. False: it says
 * nothing of the kind, or another session of the plug serves.
 */
function noteHeld(turn: Turn, plug: PlugState, message: Message<'session_response'>): boolean {
  const told = message.x?.x_retry_after ?? '';
  if (!/^[1-9]\d{0,8}$/.test(told) || sessionsOf(turn.state, plug.plug) > 0) return false;
  plug.heldUntil = turn.now + Number(told);
  turn.deadline('retry', plug.plug, Math.min(Number(told), turn.state.timers.sessionRetryMostMs));
  return true;
}

function isHeld({ state, now }: Turn, plug: PlugState): boolean {
  return plug.heldUntil > now && state.deadlines.has(`retry/${plug.plug}`) && sessionsOf(state, plug.plug) === 0;
}

function failHeld(turn: Turn, plug: PlugState, why: string): void {
  failRequests(turn, plug, why, plug.heldUntil - turn.now);
}

/** A grant for an exchange that was given up is acknowledged; anything else is an answer to nothing. */
function lateResponse(turn: Turn, message: Message<'session_response'>): void {
  if (!turn.state.abandoned.delete(message.message_id) || isFailure(message.status)) return;
  acknowledge(turn, message.message_id, null, NOT_IN_TIME);
}

function dial(turn: Turn, opening: number, granted: Granted): void {
  granted.sourcePort = turn.state.nextSourcePort;
  granted.portTries += 1;
  turn.state.nextSourcePort = nextSourcePort(granted.sourcePort);
  const { sourcePort, destAddress, destPort } = granted;
  turn.do({ kind: 'dial', opening, sourcePort, destAddress, destPort });
}

/** `sourcePort`: the port that the destination sees, where it is not the one that was asked for. */
export function dialed(turn: Turn, id: number, sourcePort?: number): void {
  const { state } = turn;
  const opening = state.openings.get(id);
  if (opening === undefined || opening.granted === null) return;
  const { plug, granted } = opening;
  if (sourcePort !== undefined) granted.sourcePort = sourcePort;
  state.openings.delete(id);
  turn.clear('opening', id);
  const key = sessionKey(state.settings.address, granted.sourcePort, granted.destAddress, granted.destPort);
  state.sources.set(key, { key, id, plug, granted, closing: null, asks: [] });
  (state.plugs.get(plug) as PlugState).failures = 0;
  turn.deadline('idle', key, state.timers.idleSessionMs);
  turn.do({
    kind: 'use_session',
    opening: id,
    plug,
    key,
    ...(granted.part === undefined ? {} : { part: granted.part }),
  });
  acknowledge(turn, id, granted, OK);
}

export function dialFailed(turn: Turn, id: number, why: 'port_in_use' | 'refused' | 'timeout'): void {
  const opening = turn.state.openings.get(id);
  if (opening === undefined || opening.granted === null) return;
  const { granted } = opening;
  // R22: the next port, when this one is in use.
  if (why === 'port_in_use' && granted.portTries < SOURCE_PORT_TRIES_MAX) return dial(turn, id, granted);
  dialGivenUp(turn, opening, granted, why === 'timeout' ? NOT_IN_TIME : REFUSED);
}

/** R33: the Manager learns that the grant came to nothing, and the plug asks again. */
function dialGivenUp(turn: Turn, opening: Opening, granted: Granted, status: number): void {
  giveUp(turn, opening);
  acknowledge(turn, opening.id, { ...granted, sourcePort: 0 }, status);
  const text = `${granted.destAddress} port ${granted.destPort}: ${statusText('session_ack', status)}`;
  pause(turn, turn.state.plugs.get(opening.plug) as PlugState, text);
}

/** No answer, or no connection, in time. */
export function openingDue(turn: Turn, id: number): void {
  const opening = turn.state.openings.get(id);
  if (opening === undefined) return;
  if (opening.granted !== null) {
    turn.do({ kind: 'abandon_dial', opening: id });
    return dialGivenUp(turn, opening, opening.granted, NOT_IN_TIME);
  }
  abandon(turn, opening);
  pause(turn, turn.state.plugs.get(opening.plug) as PlugState, 'no session_response in time');
}

/** The agent's connection is gone, and with it what was asked on it. */
export function forgetRequested(turn: Turn): void {
  for (const opening of [...turn.state.openings.values()])
    if (opening.granted === null) {
      abandon(turn, opening);
      (turn.state.plugs.get(opening.plug) as PlugState).needed = true;
    }
}

/** The instance ends: what is not a session yet shall not become one. */
export function abandonOpenings(turn: Turn): void {
  for (const opening of [...turn.state.openings.values()]) {
    if (opening.granted === null) abandon(turn, opening);
    else {
      turn.do({ kind: 'abandon_dial', opening: opening.id });
      giveUp(turn, opening);
      acknowledge(turn, opening.id, { ...opening.granted, sourcePort: 0 }, NOT_IN_TIME);
    }
  }
}

/** `source_plug_port` is empty where there is no connection. A null grant: nothing is known of it any more. */
export function acknowledge(turn: Turn, id: number, granted: Granted | null, status: number): void {
  turn.send({
    type: 'session_ack',
    message_id: id,
    sub_type: turn.subType('session_ack'),
    source_service_name: turn.state.settings.serviceName,
    source_service_instance_id: turn.state.settings.instanceId,
    source_plug_port: granted === null || granted.sourcePort === 0 ? null : granted.sourcePort,
    // R19: on TCP the new port is the socket's port.
    dest_socket_new_port: granted?.destPort ?? null,
    status,
  });
}

function giveUp(turn: Turn, opening: Opening): void {
  turn.state.openings.delete(opening.id);
  turn.clear('opening', opening.id);
}

function abandon(turn: Turn, opening: Opening): void {
  giveUp(turn, opening);
  const { abandoned } = turn.state;
  abandoned.add(opening.id);
  if (abandoned.size > ABANDONED_MAX) for (const oldest of abandoned) return void abandoned.delete(oldest);
}

/** Asks again after a pause: none after the first failure in a row, then doubling. */
function pause(turn: Turn, plug: PlugState, why: string): void {
  // Several failed together: one pause for all.
  if (turn.state.deadlines.has(`retry/${plug.plug}`)) return turn.warn(`${plug.plug}: ${why}`);
  const { sessionRetryFirstMs, sessionRetryMostMs } = turn.state.timers;
  const doubled = sessionRetryFirstMs * 2 ** Math.min(plug.failures - 1, 16);
  const pauseMs = plug.failures === 0 ? 0 : Math.min(sessionRetryMostMs, doubled);
  plug.failures += 1;
  turn.deadline('retry', plug.plug, pauseMs);
  noSession(turn, plug, why, false, pauseMs);
}

function failRequests(turn: Turn, plug: PlugState, why: string, retryAfterMs: number): void {
  plug.needed = false;
  noSession(turn, plug, why, true, retryAfterMs);
}

function noSession(turn: Turn, plug: PlugState, reason: string, final: boolean, retryAfterMs: number): void {
  const why = `no session with ${plug.service}: ${reason}`;
  turn.warn(`${plug.plug}: ${why}`);
  turn.do({ kind: 'no_session', plug: plug.plug, why, final, retryAfterMs });
}
