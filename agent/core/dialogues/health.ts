/**
 * Dialogue: health of instances and of the agent itself (…_health_…). R25, R26, R45.
 *
 * Lives here: passing an instance's health on, the hello, the agent's own health. Does not live here: what a
 * missing answer means, which is the Manager's to say.
 *
 *   instance unknown or gone        404
 *   instance that never spoke       200 as long as its process lives: nobody else could answer
 *   hello (unasked)                 never forwarded; the instance is ready (R25, R26)
 */
import { isFailure } from '../../../ssmmp/core/status.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { ask, refuse, settle } from '../asked.ts';
import { INSTANCES_MAX } from '../limits.ts';
import { hasProcess } from '../processes.ts';
import type { Connection, Instance } from '../state.ts';
import { type Turn } from '../turn.ts';
import { becomeReady } from './execution.ts';

export function onInstanceHealthRequest(turn: Turn, message: Message<'service_instance_health_request'>): void {
  const instance = turn.state.instances.get(message.service_instance_id);
  if (instance === undefined || !hasProcess(instance)) return refuse(turn, message, 404);
  if (instance.mute) return refuse(turn, message, 200);
  ask(turn, instance, message);
}

export function onInstanceHealthResponse(
  turn: Turn,
  connection: Connection,
  instance: Instance,
  message: Message<'service_instance_health_response'>,
): void {
  const asked = settle(turn, connection, message);
  // Whatever it is asked or says unasked, an answer means that its sockets listen.
  if (instance.status === 'starting' && !isFailure(message.status)) becomeReady(turn, instance);
  if (asked === null) return;
  // 404 is the agent's word for "no such instance", and it has just spoken.
  const status = message.status === 404 ? 500 : message.status;
  turn.sendToManager({ ...message, status, sub_type: turn.subType(message.type) });
}

export function onAgentHealthRequest(turn: Turn, message: Message<'agent_health_control_request'>): void {
  const { state, settings } = turn;
  const { link } = state;
  if (!link.asksForHealth) {
    link.asksForHealth = true;
    turn.deadline('silence', '', state.timers.lostMs);
  }
  const type = 'agent_health_control_response';
  const status = state.stopping ? 503 : state.instances.size >= INSTANCES_MAX ? 199 : 200;
  const { address } = settings;
  if (message.agent_network_address !== address)
    turn.log('warn', `asked for the health of ${message.agent_network_address}; this node is ${address}`);
  turn.sendToManager({
    type,
    message_id: message.message_id,
    sub_type: turn.subType(type),
    agent_network_address: address,
    status,
  });
}
