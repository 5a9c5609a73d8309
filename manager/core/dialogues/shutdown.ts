/**
 * Dialogue: shutting an instance down (graceful_shutdown, hard_shutdown). R31, R32, R33, R34.
 *
 * Lives here: draining, then graceful, then hard. Does not live here: why.
 *
 *   draining   no new session is given; the sessions that come in are closed and waited for, then those that go out
 *   stopping   graceful_shutdown_request is out; its response comes once the process is gone
 *   killing    the other ends were told to close, hard_shutdown_request is out until the process is proven dead
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { endInstance, programName, serviceOf, setStatus } from '../instances.ts';
import { agentOf, type Instance } from '../state.ts';
import type { Turn } from '../turn.ts';
import { askClose } from './session-close.ts';

/** Begins the graceful way out. Asking again changes nothing. */
export function drainInstance(turn: Turn, instance: Instance, reason: string): void {
  if (instance.status === 'starting' || instance.status === 'planned')
    return killInstance(turn, instance, reason, 'now');
  if (instance.status !== 'on' && instance.status !== 'unknown') return;
  setStatus(turn, instance, 'draining', reason);
  for (const key of [...instance.incoming]) askClose(turn, key, 'source', reason);
  continueDrain(turn, instance);
}

/** A request has come for an instance that drains only because nobody used it: it stays (R35). */
export function keepIdle(turn: Turn, instance: Instance | undefined): void {
  if (instance === undefined || !instance.idle || instance.status !== 'draining') return;
  instance.idle = false;
  instance.usedAt = turn.now;
  const service = serviceOf(turn, instance.service);
  if (service !== null) service.desired += 1;
  setStatus(turn, instance, 'on', 'asked for again in time');
}

/** Called when a session of a draining or killed instance ended: is it time for the next step? */
export function continueDrain(turn: Turn, instance: Instance): void {
  if (instance.status === 'killing') {
    // Only one that waits politely: else the request is out already.
    const isWaiting = turn.state.deadlines.has(`hard/${instance.id}`);
    if (isWaiting && instance.incoming.size + instance.outgoing.size === 0) requestHard(turn, instance);
    return;
  }
  if (instance.status !== 'draining' || instance.incoming.size > 0 || instance.grantsIn.size > 0) return;
  // Requests under way may still open sessions (a gateway's users): each is asked to close once, none is waited for twice.
  for (const key of [...instance.outgoing])
    if (turn.state.sessions.get(key)?.status === 'on') askClose(turn, key, 'source', 'drains');
  for (const key of instance.outgoing) if (turn.state.sessions.get(key)?.status === 'closing') return;
  requestGraceful(turn, instance);
}

/**
 * The hard way out. `politely`: the other ends have hardCloseMs to close first; `now`: they are told while
 * it is killed (a hung instance, R45).
 */
export function killInstance(turn: Turn, instance: Instance, reason: string, manner: 'politely' | 'now'): void {
  if (instance.status === 'off' || instance.status === 'killing') return;
  setStatus(turn, instance, 'killing', reason);
  for (const key of [...instance.incoming]) askClose(turn, key, 'source', reason);
  for (const key of [...instance.outgoing]) askClose(turn, key, 'dest', reason);
  if (manner === 'now' || instance.incoming.size + instance.outgoing.size === 0) requestHard(turn, instance);
  else turn.deadline('hard', instance.id, turn.state.timers.hardCloseMs);
}

/** Sends the request of the step the instance is in again: its agent is back, or did not answer. */
export function repeatStep(turn: Turn, instance: Instance): void {
  if (instance.status === 'draining') continueDrain(turn, instance);
  else if (instance.status === 'stopping') requestGraceful(turn, instance);
  else if (instance.status === 'killing') requestHard(turn, instance);
}

export function requestGraceful(turn: Turn, instance: Instance): void {
  const { gracefulMs, gracefulAllMs } = turn.state.timers;
  setStatus(turn, instance, 'stopping');
  const agent = agentOf(turn.state, instance);
  if (agent === null || agent.connection === null) return;
  const id = turn.messageId();
  turn.send(agent.connection, {
    type: 'graceful_shutdown_request',
    message_id: id,
    sub_type: turn.subType('graceful_shutdown_request'),
    service_name: programName(instance),
    service_instance_id: instance.id,
  });
  turn.await(
    { id, type: 'graceful_shutdown_response', connection: agent.connection, instance: instance.id, session: null },
    turn.state.stopping === null ? gracefulMs : gracefulAllMs,
  );
}

/** The agent answers once the process is gone (R31); any failure but "unknown" leads to the hard way. */
export function onGracefulResponse(
  turn: Turn,
  connection: number,
  message: Message<'graceful_shutdown_response'>,
): void {
  const exchange = turn.settle(message.message_id, 'graceful_shutdown_response', connection);
  const instance = exchange === null ? undefined : turn.state.instances.get(exchange.instance);
  if (instance === undefined) return;
  if (message.status < 300 || message.status === 404)
    endInstance(turn, instance, 'asked', instance.reason ?? 'shut down');
  else killInstance(turn, instance, `graceful shutdown answered ${message.status}`, 'now');
}

export function onGracefulTimeout(turn: Turn, instance: Instance): void {
  if (instance.status === 'stopping') killInstance(turn, instance, 'graceful shutdown took too long', 'now');
}

/** Asks the agent to kill; again until it is proven dead or the agent is gone. */
export function requestHard(turn: Turn, instance: Instance): void {
  const agent = agentOf(turn.state, instance);
  turn.clear('hard', instance.id);
  if (instance.status !== 'killing' || agent === null || agent.connection === null) return;
  const id = turn.messageId();
  turn.send(agent.connection, {
    type: 'hard_shutdown_request',
    message_id: id,
    sub_type: turn.subType('hard_shutdown_request'),
    service_name: programName(instance),
    service_instance_id: instance.id,
  });
  turn.await(
    { id, type: 'hard_shutdown_response', connection: agent.connection, instance: instance.id, session: null },
    turn.state.timers.hardMs,
  );
}

/** 200 killed and reaped, 404 unknown counts as done (R34); 500 is tried again. */
export function onHardResponse(turn: Turn, connection: number, message: Message<'hard_shutdown_response'>): void {
  const exchange = turn.settle(message.message_id, 'hard_shutdown_response', connection);
  const instance = exchange === null ? undefined : turn.state.instances.get(exchange.instance);
  if (instance === undefined) return;
  if (message.status < 300 || message.status === 404) endInstance(turn, instance, 'asked', instance.reason ?? 'killed');
  else {
    turn.event('instance', `the agent could not kill ${instance.service}/${instance.id}: ${message.status}`, {
      service_instance_id: instance.id,
      status: message.status,
    });
    turn.deadline('hard', instance.id, turn.state.timers.hardMs);
  }
}
