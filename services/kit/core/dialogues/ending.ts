/**
 * The end of the instance: asked for by the Manager (graceful shutdown), by a person (SIGTERM), or because there has
 * been no agent for too long (R47).
 *
 * Lives here: the three phases and the last message. Does not live here: closing one session (session-close.ts).
 *
 *     sockets  no new caller, callers are answered and closed    -> none left, or endSocketsMs
 *     plugs    own sessions are closed                           -> none left, or endPlugsMs
 *     service  the service flushes and closes its files          -> service_stopped, or endServiceMs
 *
 * In this order, because a request under way may need the plugs, and its answer the files. A graceful shutdown comes
 * after the Manager has closed all sessions (R32), so its first two phases are over at once. The last thing sent is
 * graceful_shutdown_response (R31), or service_instance_termination_info where nobody asked; then the process ends.
 */
import type { Message } from '../../../../ssmmp/core/catalog.ts';
import { OK } from '../../../../ssmmp/core/status.ts';
import type { Turn } from '../turn.ts';
import { drain } from './session-close.ts';
import { abandonOpenings } from './session-open.ts';

const UNKNOWN_INSTANCE = 404;

export function gracefulRequest(turn: Turn, message: Message<'graceful_shutdown_request'>): void {
  if (message.service_instance_id !== turn.state.settings.instanceId)
    return respond(turn, message.message_id, UNKNOWN_INSTANCE);
  beginEnding(turn, 'graceful shutdown', message.message_id);
}

/** Begins the end, or notes one more who asked for it. */
export function beginEnding(turn: Turn, why: string, ask?: number): void {
  const { state } = turn;
  if (state.ending !== null) {
    if (ask !== undefined) state.ending.asks.push(ask);
    return;
  }
  state.ending = { phase: 'sockets', why, usersDrained: false, asks: ask === undefined ? [] : [ask] };
  turn.info(`ends: ${why}`);
  turn.deadline('ending', '', state.timers.endSocketsMs);
  turn.do({ kind: 'stop_listening' });
  for (const session of [...state.dests.values()]) drain(turn, 'dest', session, 'ending', state.timers.endSocketsMs);
}

/** Connections that are no sessions are gone. */
export function usersDrained(turn: Turn): void {
  const { ending } = turn.state;
  if (ending === null) return;
  ending.usersDrained = true;
}

/** A phase took too long. Sessions have deadlines of their own, set before this one. */
export function endingDue(turn: Turn): void {
  const { ending } = turn.state;
  if (ending === null || ending.phase === 'over') return;
  turn.warn(`ends without waiting longer for its ${ending.phase}`);
  switch (ending.phase) {
    case 'sockets':
      turn.do({ kind: 'close_users' });
      ending.usersDrained = true;
      return;
    case 'plugs':
      return stopService(turn);
    case 'service':
      return serviceStopped(turn);
  }
}

/** Goes on to the next phase where this one is over; called at the end of every step. */
export function proceed(turn: Turn): void {
  const { state } = turn;
  const { ending } = state;
  if (ending?.phase === 'sockets' && ending.usersDrained && state.dests.size === 0) {
    ending.phase = 'plugs';
    turn.deadline('ending', '', state.timers.endPlugsMs);
    abandonOpenings(turn);
    for (const session of [...state.sources.values()])
      drain(turn, 'source', session, 'ending', state.timers.endPlugsMs);
  }
  if (ending?.phase === 'plugs' && state.sources.size === 0) stopService(turn);
}

function stopService(turn: Turn): void {
  const { ending, timers } = turn.state;
  if (ending?.phase !== 'plugs') return;
  ending.phase = 'service';
  turn.deadline('ending', '', timers.endServiceMs);
  turn.do({ kind: 'stop_service' });
}

/** R31: the last message, then the end of the process. */
export function serviceStopped(turn: Turn): void {
  const { ending, settings } = turn.state;
  if (ending?.phase !== 'service') return;
  ending.phase = 'over';
  for (const ask of ending.asks) respond(turn, ask, OK);
  if (ending.asks.length === 0)
    turn.send({
      type: 'service_instance_termination_info',
      message_id: turn.state.nextMessageId,
      sub_type: turn.subType('service_instance_termination_info'),
      service_name: settings.serviceName,
      service_instance_id: settings.instanceId,
      service_instance_network_address: settings.address,
    });
  turn.do({ kind: 'exit', code: 0 });
}

function respond(turn: Turn, messageId: number, status: number): void {
  const type = 'graceful_shutdown_response';
  turn.send({ type, message_id: messageId, sub_type: turn.subType(type), status });
}
