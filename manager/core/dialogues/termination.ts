/**
 * Dialogue: termination (service_instance_termination_info). R30.
 *
 * Lives here: an instance ended without the Manager asking. Does not live here: its replacement
 * (endInstance leads to reconcile.ts).
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { endInstance, programName } from '../instances.ts';
import type { Agent } from '../state.ts';
import type { Turn } from '../turn.ts';

export function onTermination(turn: Turn, agent: Agent, message: Message<'service_instance_termination_info'>): void {
  const instance = turn.state.instances.get(message.service_instance_id);
  if (instance === undefined || instance.agent !== agent.key || programName(instance) !== message.service_name) return;
  const exit = message.x?.x_exit;
  const asked = instance.status === 'draining' || instance.status === 'stopping' || instance.status === 'killing';
  endInstance(
    turn,
    instance,
    asked ? 'asked' : 'unasked',
    exit === undefined ? 'ended by its business logic' : `ended: ${exit}`,
  );
}
