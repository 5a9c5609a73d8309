/**
 * Dialogue: closing a session, by an end (…_close_info) or by the Manager (…_close_request, …_response).
 * R19, R20, R41, R42, R44.
 *
 * Lives here: the way from on to closed, and tombstones. Does not live here: why the Manager wants a
 * session closed.
 *
 *   on ──info of an end──▶ closed, a tombstone waits for the other end's
 *   on ──Manager asks──▶ closing ──200 or 404──▶ closed
 *
 * No answer: the other end is asked. Neither answers: where one of the two is about to end, its connection ends with it
 * and the session is over. Two ends that stay keep theirs, whatever the Manager believes: it goes on asking, every closeMs
 * and whenever an agent of theirs is back (decision 0014).
 */
import { sessionKey } from '../../../ssmmp/core/address.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { closeStatus } from '../../../ssmmp/core/status.ts';
import { programName, reach, refreshLoad } from '../instances.ts';
import {
  agentOf,
  ENDED_MAX,
  TOMBSTONES_MAX,
  type Agent,
  type Exchange,
  type Instance,
  type Session,
} from '../state.ts';
import type { Turn } from '../turn.ts';
import { continueDrain } from './shutdown.ts';

type Side = 'source' | 'dest';
type CloseInfo = Message<'source_service_session_close_info'> | Message<'dest_service_session_close_info'>;

/** An end reports that a session is over. */
export function onCloseInfo(turn: Turn, agent: Agent, message: CloseInfo): void {
  const { state } = turn;
  const side: Side = message.type === 'source_service_session_close_info' ? 'source' : 'dest';
  const key = sessionKey(
    message.source_service_instance_network_address,
    message.source_plug_port,
    message.dest_service_instance_network_address,
    message.dest_socket_port,
  );
  const tombstone = state.tombstones.get(key);
  if (tombstone?.waits === side) return dropTombstone(turn, key);
  const session = state.sessions.get(key);
  if (session === undefined) {
    if (side === 'dest' && reporterIsOn(turn, agent, message.dest_service_instance_id)) bury(turn, key, 'source', true);
    return;
  }
  const reporter = state.instances.get(side === 'source' ? session.source : session.dest);
  if (reporter !== undefined && reporter.agent !== agent.key) {
    turn.event('protocol', `${agent.address} reports the end of ${key}, of which it has no end`, { session: key });
    return;
  }
  endSession(
    turn,
    session,
    closeStatus(message.status),
    `reported by the ${side}`,
    side === 'source' ? 'dest' : 'source',
  );
}

/**
 * The Manager wants a session closed: the source is asked, or the destination where the source is gone.
 * An end that cannot be reached is passed over; with neither, the session is over if one of them is about to end. Else it
 * stays as it is.
 */
export function askClose(turn: Turn, key: string, side: Side, reason: string): void {
  const session = turn.state.sessions.get(key);
  if (session === undefined || (session.status === 'closing' && session.asked === side)) return;
  const first = request(turn, session, side);
  const asked = first ? side : request(turn, session, other(side)) ? other(side) : null;
  if (asked === null) {
    if (!bothStay(turn, session)) endSession(turn, session, null, reason, null);
    return;
  }
  if (session.status === 'on')
    turn.event('session', `${key} closing: ${reason}`, { session: key, status: 'closing', asked, reason });
  session.status = 'closing';
  session.asked = asked;
}

/** The agent of an end is back: what it was asked to close may never have reached it, so it is asked again. */
export function repeatCloses(turn: Turn, instance: Instance): void {
  const repeat = (keys: ReadonlySet<string>, side: Side): void => {
    for (const key of [...keys]) {
      const session = turn.state.sessions.get(key);
      if (session?.status === 'closing' && session.asked === side) request(turn, session, side);
    }
  };
  repeat(instance.outgoing, 'source');
  repeat(instance.incoming, 'dest');
}

/**
 * The destination is on a node that is lost: it may run on or be gone, nobody can tell. The sources are told, so that they
 * ask for another and send again what was under way. Sessions of its own are left alone: where only its agent hangs they
 * serve users, who could get no others.
 */
export function leaveLost(turn: Turn, instance: Instance, reason: string): void {
  for (const key of [...instance.incoming]) askClose(turn, key, 'source', reason);
}

/** The end that was asked has closed; 404 counts as closed too (R44). */
export function onCloseResponse(
  turn: Turn,
  connection: number,
  message: Message<'source_service_session_close_response'> | Message<'dest_service_session_close_response'>,
): void {
  const exchange = turn.settle(message.message_id, message.type, connection);
  const session = exchange?.session == null ? undefined : turn.state.sessions.get(exchange.session);
  if (session === undefined || session.asked === null) return;
  endSession(turn, session, null, 'closed by the Manager', other(session.asked));
}

/** No answer to a close request: the other end is asked. Neither answers: given up, or asked again, as said above. */
export function onCloseTimeout(turn: Turn, exchange: Exchange): void {
  const session = exchange.session === null ? undefined : turn.state.sessions.get(exchange.session);
  if (session === undefined || session.request !== exchange.id) return;
  if (exchange.type === 'source_service_session_close_response')
    askClose(turn, session.key, 'dest', 'the source did not answer');
  else if (bothStay(turn, session)) askClose(turn, session.key, 'source', 'neither end answered');
  else endSession(turn, session, null, 'neither end answered', null);
  // Nobody can be asked now; the agent that comes back is asked (repeatCloses), else it is tried again.
  if (turn.state.sessions.get(session.key) === session && session.request === exchange.id)
    turn.await(exchange, turn.state.timers.closeMs);
}

/** Takes a session out of the state. `waits` is the end whose own report may still come. */
export function endSession(
  turn: Turn,
  session: Session,
  code: number | null,
  reason: string,
  waits: Side | null,
): void {
  const { state } = turn;
  if (state.sessions.get(session.key) !== session) return;
  state.sessions.delete(session.key);
  state.sessionByGrant.delete(session.grant);
  const source = state.instances.get(session.source);
  const dest = state.instances.get(session.dest);
  source?.outgoing.delete(session.key);
  if (source !== undefined) reach(source, session.dest, -1);
  if (dest !== undefined) dest.usedAt = turn.now;
  dest?.incoming.delete(session.key);
  const expected = waits === 'source' ? source : waits === 'dest' ? dest : undefined;
  if (waits !== null && expected !== undefined) bury(turn, session.key, waits, false);
  keepForListing(turn, session, code, reason);
  turn.event('session', `${session.key} closed${code === null ? '' : ` ${code}`}: ${reason}`, {
    session: session.key,
    status: 'closed',
    code,
    reason,
  });
  if (dest !== undefined) refreshLoad(turn, dest);
  for (const end of [source, dest])
    if (end?.status === 'draining' || end?.status === 'killing') continueDrain(turn, end);
}

/** Leaves a tombstone that takes one report of `waits` (R20). */
export function bury(turn: Turn, key: string, waits: Side, early: boolean): void {
  const { state } = turn;
  if (state.tombstones.size >= TOMBSTONES_MAX)
    for (const oldest of state.tombstones.keys()) {
      dropTombstone(turn, oldest);
      break;
    }
  state.tombstones.set(key, { key, waits, early });
  turn.deadline('tombstone', key, state.timers.tombstoneMs);
}

export function dropTombstone(turn: Turn, key: string): void {
  turn.state.tombstones.delete(key);
  turn.clear('tombstone', key);
}

function other(side: Side): Side {
  return side === 'source' ? 'dest' : 'source';
}

/** Does neither end of a session go? Then only they can close it: their connection lives on (R43). */
function bothStay({ state }: Turn, session: Session): boolean {
  return [session.source, session.dest].every((id) => {
    const status = state.instances.get(id)?.status;
    return status === 'on' || status === 'unknown';
  });
}

function reporterIsOn(turn: Turn, agent: Agent, id: number | null): boolean {
  const instance = id === null ? undefined : turn.state.instances.get(id);
  return instance !== undefined && instance.agent === agent.key;
}

/** Sends the close request to one end; false when that end or its agent cannot be reached. */
function request(turn: Turn, session: Session, side: Side): boolean {
  const { state } = turn;
  const end: Instance | undefined = state.instances.get(side === 'source' ? session.source : session.dest);
  const agent = end === undefined || end.status === 'off' ? null : agentOf(state, end);
  if (end === undefined || agent === null || agent.connection === null || end.status === 'killing') return false;
  const id = turn.messageId();
  session.request = id;
  const destService = state.instances.get(session.dest)?.service ?? serviceOfSession(turn, session);
  const common = {
    message_id: id,
    source_service_instance_network_address: session.sourceAddress,
    source_plug_name: session.plug,
    source_plug_port: session.sourcePort,
    dest_service_name: destService,
    dest_service_instance_network_address: session.destAddress,
    dest_socket_name: session.socket,
    dest_socket_port: session.destPort,
    dest_socket_new_port: session.destPort,
    ...(isLost(turn, side === 'source' ? session.dest : session.source) ? { x: { x_other_end: 'lost' } } : {}),
  };
  const type = side === 'source' ? 'source_service_session_close_request' : 'dest_service_session_close_request';
  const sub_type = turn.subType(type);
  if (type === 'source_service_session_close_request')
    turn.sendTo(agent, {
      ...common,
      type,
      sub_type,
      source_service_name: programName(end),
      source_service_instance_id: end.id,
    });
  else turn.sendTo(agent, { ...common, type, sub_type, dest_service_instance_id: session.dest });
  turn.await(
    {
      id,
      type: side === 'source' ? 'source_service_session_close_response' : 'dest_service_session_close_response',
      connection: agent.connection,
      instance: end.id,
      session: session.key,
    },
    state.timers.closeMs,
  );
  return true;
}

function isLost(turn: Turn, id: number): boolean {
  const instance = turn.state.instances.get(id);
  return instance !== undefined && agentOf(turn.state, instance)?.status === 'lost';
}

/** The destination's service when the destination itself is off already. */
function serviceOfSession(turn: Turn, session: Session): string {
  return turn.state.ended.get(session.dest)?.service ?? '-';
}

function keepForListing(turn: Turn, session: Session, code: number | null, reason: string): void {
  turn.state.endedSessions[turn.state.endedNext] = { session, endedAt: turn.now, code, reason };
  turn.state.endedNext = (turn.state.endedNext + 1) % ENDED_MAX;
}
