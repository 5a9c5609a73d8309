/**
 * Requests of the Manager that an instance is to answer (R29).
 *
 * Lives here: passing them on, holding them for an instance that has no connection at the moment, and finding
 * the request a response belongs to. Does not live here: what is asked (dialogues/).
 *
 * A response names no instance. It belongs to the request with the same message_id that left on the same
 * connection; the table is bounded and each entry has its deadline.
 */
import { isMessageType, rowOf, type Message } from '../../ssmmp/core/catalog.ts';
import { refusal } from '../../ssmmp/core/refusal.ts';
import { ASKED_MAX, HELD_PER_INSTANCE_MAX } from './limits.ts';
import type { Asked, Connection, Instance } from './state.ts';
import { linesOf, type Turn } from './turn.ts';

/** Passes a request of the Manager on to the instance, now or when it connects again. */
export function ask(turn: Turn, instance: Instance, message: Message): void {
  const passedOn = { ...message, sub_type: turn.subType(message.type, 'instance') } as Message;
  // As long as a session_request may take: the Manager's own timers are all shorter, it decides what is late.
  askUntil(turn, instance, passedOn, turn.at + turn.state.timers.sessionRequestMs);
}

/** Sends a message down, or holds it for `holdMs` while the instance has no connection. */
export function deliver(turn: Turn, instance: Instance, message: Message, holdMs: number): void {
  if (instance.connection === null) hold(turn, instance, message, turn.at + holdMs);
  else turn.sendToInstance(instance, message);
}

/** Takes out the request that `response` answers; null when there is none any more. */
export function settle(turn: Turn, connection: Connection, response: Message): Asked | null {
  const key = `${connection.id}/${response.message_id}`;
  const asked = turn.state.asked.get(key);
  if (asked === undefined || asked.response !== response.type) return null;
  turn.state.asked.delete(key);
  turn.clear('asked', key);
  return asked;
}

/** Nobody answered in time. */
export function onAskedDue(turn: Turn, key: string): void {
  turn.state.asked.delete(key);
}

/** The instance connected again: what was held goes out, in order. */
export function deliverHeld(turn: Turn, instance: Instance): void {
  const { held } = instance;
  instance.held = [];
  turn.clear('held', instance.id);
  for (const { message, until } of held)
    if (until > turn.at)
      if (message.type === 'session_response') turn.sendToInstance(instance, message);
      else askUntil(turn, instance, message, until);
}

/** Its connection broke: what it was asked is asked again when it is back. */
export function holdAsked(turn: Turn, instance: Instance): void {
  for (const [key, asked] of turn.state.asked)
    if (asked.instance === instance.id) {
      turn.state.asked.delete(key);
      turn.clear('asked', key);
      hold(turn, instance, asked.message, asked.until);
    }
}

/** The instance is gone: what it was asked is answered 404 (R44, R45); its end answers the rest. */
export function refuseAsked(turn: Turn, instance: Instance): void {
  holdAsked(turn, instance);
  for (const { message } of instance.held) if (message.type !== 'graceful_shutdown_request') refuse(turn, message, 404);
  instance.held = [];
}

/** Answers a request of the Manager in the instance's stead. */
export function refuse(turn: Turn, message: Message, status: number): void {
  const answer = refusal(message.type, message.message_id, linesOf(message), status, 'agent', 'Manager');
  if (answer !== null) turn.sendToManager(answer);
}

export function onHeldDue(turn: Turn, instance: Instance): void {
  instance.held = instance.held.filter(({ until }) => until > turn.at);
  armHeld(turn, instance);
}

function askUntil(turn: Turn, instance: Instance, message: Message, until: number): void {
  const { state } = turn;
  const { connection } = instance;
  if (connection === null) return hold(turn, instance, message, until);
  const { response } = rowOf(message.type);
  if (response === null || !isMessageType(response)) return;
  const key = `${connection}/${message.message_id}`;
  state.asked.set(key, { instance: instance.id, connection, message, response, until });
  state.deadlines.set(`asked/${key}`, until);
  if (state.asked.size > ASKED_MAX) dropOldest(turn);
  turn.sendToInstance(instance, message);
}

function dropOldest(turn: Turn): void {
  for (const key of turn.state.asked.keys()) {
    turn.state.asked.delete(key);
    turn.clear('asked', key);
    return turn.log('warn', `more than ${ASKED_MAX} requests wait for answers: the oldest is forgotten`, { key });
  }
}

function hold(turn: Turn, instance: Instance, message: Message, until: number): void {
  instance.held.push({ message, until });
  if (instance.held.length > HELD_PER_INSTANCE_MAX) instance.held.shift();
  armHeld(turn, instance);
}

function armHeld(turn: Turn, instance: Instance): void {
  let next = Infinity;
  for (const { until } of instance.held) next = Math.min(next, until);
  if (next === Infinity) turn.clear('held', instance.id);
  else turn.state.deadlines.set(`held/${instance.id}`, next);
}
