/**
 * The end of a session, at either end of it, whoever began.
 *
 * Lives here: close requests of the Manager and their answers, close reports of our own, the idle close. Does not live
 * here: the end of the instance (ending.ts), which closes sessions through `drain`.
 *
 *     on -wish (Manager, idle, ending)-> draining -session_drained, or time is up-> closed
 *     on or draining -session_ended (the other end, or broken)-> closed
 *
 * Draining: no new request, those under way finish. A session that the Manager asked to close is answered with 200 and
 * not reported; every other end is reported: 111 with no request under way, else 122 (R42).
 */
import type { Message } from '../../../../ssmmp/core/catalog.ts';
import { sessionKey } from '../../../../ssmmp/core/address.ts';
import { CLOSED_BROKEN, CLOSED_BY_LOGIC, OK } from '../../../../ssmmp/core/status.ts';
import type { Side } from '../inputs.ts';
import type { CloseReason, DestSession, SourceSession } from '../state.ts';
import type { Turn } from '../turn.ts';

const NO_SUCH_SESSION = 404;
/** R41: what a socket reports as the plug's name, which it cannot know. */
const UNKNOWN_PLUG = '-';

type CloseRequest = Message<'source_service_session_close_request'> | Message<'dest_service_session_close_request'>;

/** The Manager closes a session whose plug is ours. */
export function sourceCloseRequest(turn: Turn, message: Message<'source_service_session_close_request'>): void {
  const session = turn.state.sources.get(keyOf(message));
  const mine = message.source_service_instance_id === turn.state.settings.instanceId;
  if (session === undefined || !mine) return answer(turn, 'source', message.message_id, NO_SUCH_SESSION);
  session.asks.push(message.message_id);
  drain(turn, 'source', session, 'Manager', patience(turn, message));
}

/** The Manager closes a session whose socket is ours: its source failed. */
export function destCloseRequest(turn: Turn, message: Message<'dest_service_session_close_request'>): void {
  const session = turn.state.dests.get(keyOf(message));
  const mine = message.dest_service_instance_id === turn.state.settings.instanceId;
  if (session === undefined || !mine) return answer(turn, 'dest', message.message_id, NO_SUCH_SESSION);
  session.asks.push(message.message_id);
  drain(turn, 'dest', session, 'Manager', patience(turn, message));
}

/** How long requests under way may take; an end that is lost will not answer them. */
function patience(turn: Turn, { x }: CloseRequest): number {
  return x?.x_other_end === 'lost' ? 0 : turn.state.timers.closeDrainMs;
}

/** R19: a session is known by its four numbers; on TCP `dest_socket_new_port` is no fifth. */
function keyOf(message: CloseRequest): string {
  return sessionKey(
    message.source_service_instance_network_address,
    message.source_plug_port,
    message.dest_service_instance_network_address,
    message.dest_socket_port,
  );
}

/** Lets requests under way finish, at most for `mostMs`; a wish of the Manager's takes over an earlier one of our own. */
export function drain(
  turn: Turn,
  side: Side,
  session: SourceSession | DestSession,
  reason: CloseReason,
  mostMs: number,
): void {
  const before = session.closing;
  if (before === null || reason === 'Manager') session.closing = reason;
  if (before !== null && before !== 'ending' && mostMs > 0) return;
  turn.deadline('close', `${side}/${session.key}`, mostMs);
  if (before === null) turn.do({ kind: 'drain', side, key: session.key });
}

/** No request is under way any more. */
export function sessionDrained(turn: Turn, side: Side, key: string): void {
  const session = sessionOf(turn, side, key);
  if (session === undefined || session.closing === null) return;
  turn.do({ kind: 'close_session', side, key });
  closed(turn, side, session, CLOSED_BY_LOGIC);
}

/** Time is up: the plug sends what is unanswered again on another session. */
export function closeDue(turn: Turn, side: Side, key: string): void {
  const session = sessionOf(turn, side, key);
  if (session === undefined) return;
  turn.do({ kind: 'close_session', side, key });
  closed(turn, side, session, CLOSED_BROKEN);
}

/** The other end closed, or the connection broke. */
export function sessionEnded(turn: Turn, side: Side, key: string, clean: boolean): void {
  const session = sessionOf(turn, side, key);
  if (session !== undefined) closed(turn, side, session, clean ? CLOSED_BY_LOGIC : CLOSED_BROKEN);
}

function sessionOf(turn: Turn, side: Side, key: string): SourceSession | DestSession | undefined {
  return side === 'source' ? turn.state.sources.get(key) : turn.state.dests.get(key);
}

/** R42: answers the Manager, or reports; never both. */
function closed(turn: Turn, side: Side, session: SourceSession | DestSession, status: number): void {
  const { state } = turn;
  turn.clear('close', `${side}/${session.key}`);
  turn.clear('idle', session.key);
  if (side === 'source') state.sources.delete(session.key);
  else state.dests.delete(session.key);
  turn.info(`session ${session.key} closed, ${status}, ${session.closing ?? 'not by us'}`);
  for (const ask of session.asks) answer(turn, side, ask, OK);
  if (session.asks.length === 0) report(turn, session, status);
}

function answer(turn: Turn, side: Side, messageId: number, status: number): void {
  const type = side === 'source' ? 'source_service_session_close_response' : 'dest_service_session_close_response';
  turn.send({ type, message_id: messageId, sub_type: turn.subType(type), status });
}

function report(turn: Turn, session: SourceSession | DestSession, status: number): void {
  const { settings } = turn.state;
  const id = turn.state.nextMessageId;
  turn.state.nextMessageId += 1;
  if ('plug' in session) {
    const { granted } = session;
    turn.report({
      type: 'source_service_session_close_info',
      message_id: id,
      sub_type: turn.subType('source_service_session_close_info'),
      source_service_name: settings.serviceName,
      source_service_instance_id: settings.instanceId,
      source_service_instance_network_address: settings.address,
      source_plug_name: session.plug,
      source_plug_port: granted.sourcePort,
      dest_service_name: granted.destService,
      dest_service_instance_id: granted.destInstanceId,
      dest_service_instance_network_address: granted.destAddress,
      dest_socket_name: granted.destSocket,
      dest_socket_port: granted.destPort,
      dest_socket_new_port: granted.destPort,
      status,
    });
    return;
  }
  turn.report({
    type: 'dest_service_session_close_info',
    message_id: id,
    sub_type: turn.subType('dest_service_session_close_info'),
    source_service_instance_network_address: session.sourceAddress,
    source_plug_name: UNKNOWN_PLUG,
    source_plug_port: session.sourcePort,
    dest_service_name: settings.serviceName,
    dest_service_instance_network_address: settings.address,
    dest_service_instance_id: settings.instanceId,
    dest_socket_name: session.socket,
    dest_socket_port: session.destPort,
    dest_socket_new_port: session.destPort,
    status,
  });
}

/** A session of a plug has been open for a while: is it used? */
export function idleDue(turn: Turn, key: string): void {
  if (turn.state.sources.has(key)) turn.do({ kind: 'check_idle', key });
}

/** R35: a plug closes a session that had no request for 30 s. */
export function idleChecked(turn: Turn, key: string, idleMs: number): void {
  const session = turn.state.sources.get(key);
  if (session === undefined || session.closing !== null) return;
  const { idleSessionMs, closeDrainMs } = turn.state.timers;
  if (idleMs >= idleSessionMs) drain(turn, 'source', session, 'idle', closeDrainMs);
  else turn.deadline('idle', key, idleSessionMs - idleMs);
}
