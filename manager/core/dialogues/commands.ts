/**
 * Commands of operators.
 *
 * Lives here: what `POST /v1/commands` may ask and how it is answered. Does not live here: HTTP, tokens.
 * An answer comes when the thing is done, not when it is begun.
 */
import { viewOf } from '../../../ssmmp/core/graph.ts';
import type { Command } from '../inputs.ts';
import { nameOf } from '../instances.ts';
import { apply } from '../operations/apply.ts';
import { drainNode, uncordon } from '../operations/drain-node.ts';
import { findInstance } from '../operations/find.ts';
import { migrate } from '../operations/migrate.ts';
import { scale } from '../operations/scale.ts';
import { confirmLost } from '../self-doubt.ts';
import { countsAsReplica, replicasOf } from '../reconcile.ts';
import type { ManagerState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { drainInstance, killInstance } from './shutdown.ts';
import { beginStopping } from './stopping.ts';

export function onCommand(turn: Turn, request: number, body: Command): void {
  switch (body.command) {
    case 'stop':
      return stop(turn, request, body.instance, body.hard);
    case 'scale':
      return scale(turn, request, body.service, body.replicas, body.dry_run);
    case 'migrate':
      return migrate(turn, request, body.instance, body.to, body.dry_run);
    case 'drain':
      return drainNode(turn, request, body.node, body.dry_run);
    case 'apply':
      return apply(turn, request, body.graph, body.file, body.dry_run);
    case 'uncordon':
      return uncordon(turn, request, body.node);
    case 'confirm-lost':
      return confirmLost(turn, request, body.node);
    case 'shutdown':
      return beginStopping(turn, request);
  }
}

function stop(turn: Turn, request: number, text: string, hard: boolean): void {
  const { state } = turn;
  const instance = findInstance(state, text);
  if (instance === null) {
    const message = `no live instance '${text}'; an instance is an id or service/id, 'ssmmp get instances' lists them`;
    return turn.reply(request, 404, { status: 404, message, data: { instance: text } });
  }
  state.waiters.set(request, { what: 'off', instance: instance.id, name: nameOf(instance) });
  // What the operator stops is not started again by itself: a request that needs it starts it, or the fewest replicas do.
  const service = state.services.get(instance.service);
  // One that goes already is no replica any more: asking again changes nothing. Nor is one wanted less where there is one
  // more than wanted, because another is just being replaced.
  if (service !== undefined && countsAsReplica(turn, instance) && replicasOf(turn, service) <= service.desired) {
    service.desired = Math.max(fewest(state, instance.service), service.desired - 1);
    service.floor = Math.min(service.floor, service.desired);
  }
  turn.event('command', `operator stops ${nameOf(instance)}${hard ? ' hard' : ''}`, {
    service_instance_id: instance.id,
  });
  if (hard) killInstance(turn, instance, 'stopped hard by the operator', 'politely');
  else drainInstance(turn, instance, 'stopped by the operator');
}

function fewest(state: ManagerState, service: string): number {
  return viewOf(state.index, service)?.service.replicas.min ?? 0;
}
