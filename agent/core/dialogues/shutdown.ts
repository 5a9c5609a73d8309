/**
 * Dialogue: shutting an instance down (graceful_shutdown, hard_shutdown). R31, R34.
 *
 * Lives here: asking it, killing it, and answering once it is gone. Does not live here: draining, which is the
 * Manager's, and the end of a process (processes.ts).
 *
 *   graceful   passed on; its 200 is kept until the process is gone; a failure is forwarded at once
 *   hard       SIGKILL for the process group; 200 once it is reaped, 500 when it is not within hardMs
 *   unknown    404, which counts as done
 *
 * "Off" needs proof of death, so no instance's own word is taken for it.
 */
import { isFailure } from '../../../ssmmp/core/status.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { ask, settle } from '../asked.ts';
import { answerStart } from './execution.ts';
import { become, forget, kill, signal } from '../processes.ts';
import type { Connection, Instance } from '../state.ts';
import { nameOf, type Turn } from '../turn.ts';

export function onGracefulRequest(turn: Turn, message: Message<'graceful_shutdown_request'>): void {
  const instance = turn.state.instances.get(message.service_instance_id);
  if (instance === undefined) return answerGraceful(turn, message.message_id, 404);
  if (instance.status === 'probing') {
    giveUpStart(turn, instance);
    return answerGraceful(turn, message.message_id, 200);
  }
  instance.stoppers.push(message.message_id);
  if (instance.status === 'starting' || instance.status === 'ready') {
    become(turn, instance, 'stopping');
    turn.clear('start', instance.id);
    turn.clear('hello', instance.id);
  }
  if (instance.status !== 'stopping') return;
  // A program that has never said a word of SSMMP is asked in the one way every program knows.
  if (instance.mute) signal(turn, instance, 'SIGTERM');
  else ask(turn, instance, message);
}

/** The last thing an instance says; forwarded once its process is gone (R31). */
export function onGracefulResponse(
  turn: Turn,
  connection: Connection,
  instance: Instance,
  message: Message<'graceful_shutdown_response'>,
): void {
  const asked = settle(turn, connection, message);
  if (asked === null || !isFailure(message.status)) return;
  turn.log('warn', `${nameOf(instance)} answers its graceful shutdown with ${message.status}`);
  instance.stoppers = instance.stoppers.filter((messageId) => messageId !== message.message_id);
  if (instance.stoppers.length === 0 && instance.status === 'stopping' && instance.ready)
    become(turn, instance, 'ready');
  // 404 would be proof of death, and it has just spoken.
  answerGraceful(turn, message.message_id, message.status === 404 ? 409 : message.status);
}

export function onHardRequest(turn: Turn, message: Message<'hard_shutdown_request'>): void {
  const instance = turn.state.instances.get(message.service_instance_id);
  if (instance === undefined) return answerHard(turn, message.message_id, message.service_instance_id, 404);
  if (instance.status === 'probing') {
    giveUpStart(turn, instance);
    return answerHard(turn, message.message_id, instance.id, 200);
  }
  instance.killers.push(message.message_id);
  kill(turn, instance);
}

export function answerGraceful(turn: Turn, messageId: number, status: number): void {
  const type = 'graceful_shutdown_response';
  turn.sendToManager({ type, message_id: messageId, sub_type: turn.subType(type), status });
}

export function answerHard(turn: Turn, messageId: number, id: number, status: number): void {
  const type = 'hard_shutdown_response';
  turn.sendToManager({ type, message_id: messageId, sub_type: turn.subType(type), service_instance_id: id, status });
}

/** There is no process yet. */
function giveUpStart(turn: Turn, instance: Instance): void {
  for (const messageId of instance.starters) answerStart(turn, messageId, 500, null);
  forget(turn, instance);
}
