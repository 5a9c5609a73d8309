/**
 * Health of the instance (R45).
 *
 * Lives here: what is answered, and when an instance calls itself overloaded. Does not live here: measuring (the
 * shell, on a `measure`, so that nothing is measured that nobody asks for).
 */
import type { Message } from '../../../../ssmmp/core/catalog.ts';
import { OK, OVERLOADED } from '../../../../ssmmp/core/status.ts';
import type { Measured } from '../inputs.ts';
import type { Turn } from '../turn.ts';

/** An event loop this late, in milliseconds, is overloaded. */
export const OVERLOAD_LAG_MS = 200;
/** So many requests under way are an overload, whatever the event loop says. */
export const OVERLOAD_IN_FLIGHT = 2048;
/** Health requests that may wait for one measurement. */
const ASKS_MAX = 16;
const UNKNOWN_INSTANCE = 404;

export function healthRequest(turn: Turn, message: Message<'service_instance_health_request'>): void {
  if (message.service_instance_id !== turn.state.settings.instanceId)
    return answer(turn, message.message_id, message.service_instance_id, UNKNOWN_INSTANCE, undefined);
  const { healthAsks } = turn.state;
  healthAsks.push(message.message_id);
  if (healthAsks.length > ASKS_MAX) healthAsks.shift();
  if (healthAsks.length === 1) turn.do({ kind: 'measure' });
}

export function measured(turn: Turn, load: Measured): void {
  const { state } = turn;
  const asks = state.healthAsks;
  state.healthAsks = [];
  const crowd = load.inFlight / OVERLOAD_IN_FLIGHT;
  const overloaded = state.ending !== null || load.lagMs >= OVERLOAD_LAG_MS || crowd >= 1;
  const share = Math.max(0, Math.min(1, Math.max(load.utilization, crowd)));
  const x = { x_load: share.toFixed(2), x_in_flight: String(load.inFlight), x_requests: String(load.requests) };
  for (const id of asks) answer(turn, id, state.settings.instanceId, overloaded ? OVERLOADED : OK, x);
}

function answer(
  turn: Turn,
  messageId: number,
  instanceId: number,
  status: number,
  x: Message<'service_instance_health_response'>['x'],
): void {
  turn.send({
    type: 'service_instance_health_response',
    message_id: messageId,
    sub_type: turn.subType('service_instance_health_response'),
    service_instance_id: instanceId,
    status,
    ...(x === undefined ? {} : { x }),
  });
}
