/**
 * Dialogue: termination (service_instance_termination_info). R30.
 *
 * Lives here: an instance's own word that it ends, and the report of a death that nobody asked for. Does not
 * live here: deaths that answer a request (processes.ts).
 *
 * One message a death, after it. An instance that announced its end ended by its business logic: its own
 * message is forwarded, without x_exit. Any other end is told by the agent, with x_exit.
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { exitOf, kill } from '../processes.ts';
import { report } from '../reports.ts';
import type { Instance } from '../state.ts';
import { nameOf, type Turn } from '../turn.ts';

/** Kept until the process is gone; one that says so and lives on is killed. */
export function onTerminationInfo(
  turn: Turn,
  instance: Instance,
  message: Message<'service_instance_termination_info'>,
): void {
  if (instance.lastWords !== null) return;
  instance.lastWords = message;
  if (instance.status !== 'ended') turn.deadline('words', instance.id, turn.state.timers.gracefulMs);
}

/** It announced its end and is still there. */
export function onLingering(turn: Turn, instance: Instance): void {
  turn.log('warn', `${nameOf(instance)} announced its end and went on: killed`, { service_instance_id: instance.id });
  kill(turn, instance);
}

/** Tells the Manager, now or after the next registration. */
export function reportDeath(turn: Turn, instance: Instance): void {
  const type = 'service_instance_termination_info';
  if (instance.lastWords !== null) {
    const { x: _ignored, ...words } = instance.lastWords;
    return report(turn, { ...words, sub_type: turn.subType(type) });
  }
  report(turn, {
    type,
    message_id: turn.messageId(),
    sub_type: turn.subType(type),
    service_name: instance.service,
    service_instance_id: instance.id,
    service_instance_network_address: turn.settings.address,
    x: { x_exit: exitOf(instance) },
  });
}
