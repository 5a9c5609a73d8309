/**
 * Scaling without an operator: by load, and down to nothing when nobody comes (R35, R45).
 *
 * Lives here: feeding the scaling policy and carrying out its choice; idle instances. Does not live here:
 * the policy itself (policy/scaling.ts). Called on each beat.
 */
import { liveVersions, replicasMax, type GraphService } from '../../../ssmmp/core/graph.ts';
import type { ScalingReplica } from '../../../ssmmp/core/policy.ts';
import { OVERLOADED } from '../../../ssmmp/core/status.ts';
import { consult } from '../consult.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { nameOf } from '../instances.ts';
import { replicasOf } from '../reconcile.ts';
import { agentOf, type Instance, type ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { wantedInAll } from '../versions.ts';
import { rebalance } from './rebalance.ts';
import { isUnderWay } from './replace.ts';
import { setReplicas } from './scale.ts';

/** One beat of every service. */
export function scaleOnBeat(turn: Turn): void {
  if (turn.state.stopping !== null) return;
  for (const vertex of turn.state.graph.services) {
    const service = turn.state.services.get(vertex.name);
    if (service === undefined || service.live.size === 0) continue;
    if (vertex.kind === 'service' && turn.state.graph.policies.scaling !== 'none') byLoad(turn, vertex, service);
    if (vertex.idleAfterMs !== null) stopIdle(turn, vertex, service, vertex.idleAfterMs);
    rebalance(turn, service);
  }
}

/** Asks the scaling policy, and does what it says. A service that nobody needs is left to the next request. */
function byLoad(turn: Turn, vertex: GraphService, service: ServiceState): void {
  const { now, state } = turn;
  const desired = wantedInAll(vertex, service.desired);
  if (desired === 0) return;
  const on = onOf(turn, service);
  const min = Math.max(1, wantedInAll(vertex, service.floor));
  const max = Math.max(min, desired, replicasMax(vertex, state.agents.size));
  const choice = consult(turn, 'scaling', service, {
    desired,
    min: Math.min(min, desired),
    max,
    sinceMs: service.scaledAt === 0 ? 0 : now - service.scaledAt,
    replicas: on.map((instance) => replicaOf(turn, instance)),
    starting: replicasOf(turn, service) - on.length,
    waiting: service.waiting.size,
    limits: { hotMs: state.timers.hotMs, coldMs: state.timers.coldMs },
  });
  service.scaledAt = now;
  for (const instance of on) instance.requestsSeen = instance.requests ?? 0;
  if (choice.replicas === desired) return;
  const { name } = service;
  const why = choice.why ?? `${name} ${desired} → ${choice.replicas}: its scaling policy says so`;
  turn.event('service', why, { service_name: name, desired: choice.replicas });
  setReplicas(turn, service, choice.replicas, why);
}

function replicaOf(turn: Turn, instance: Instance): ScalingReplica {
  const { id, version, since, health, load, inFlight, requests, requestsSeen, incoming } = instance;
  const overloaded = health === OVERLOADED;
  return {
    instance: id,
    node: agentOf(turn.state, instance)?.number ?? null,
    version,
    onForMs: turn.now - since,
    load: overloaded ? 1 : (load ?? 0),
    overloaded,
    inFlight: inFlight ?? 0,
    requests: requests ?? 0,
    requestsSince: Math.max(0, (requests ?? 0) - requestsSeen),
    sessions: incoming.size,
  };
}

/**
 * Drains what nobody has used for `idleAfterMs`; gateways and the fewest replicas stay. While one of them moves, none goes:
 * the one that comes would be left over, wanted by nobody.
 */
function stopIdle(turn: Turn, vertex: GraphService, service: ServiceState, idleAfterMs: number): void {
  if (isUnderWay(turn.state, service.name)) return;
  const on = onOf(turn, service);
  // Each version has one replica at least: they go together or not at all.
  const together = liveVersions(vertex).length > 1 && !on.every((instance) => isIdle(turn, instance, idleAfterMs));
  if (together) return;
  for (const instance of on) {
    if (service.desired <= vertex.replicas.min || !isIdle(turn, instance, idleAfterMs)) continue;
    service.desired -= 1;
    service.floor = Math.min(service.floor, service.desired);
    instance.idle = true;
    drainInstance(turn, instance, `${nameOf(instance)} was not used for ${idleAfterMs / 1000} s`);
  }
}

function isIdle(turn: Turn, instance: Instance, idleAfterMs: number): boolean {
  if (turn.now - instance.usedAt < idleAfterMs || instance.grantsIn.size > 0) return false;
  // With sessions open only an instance that counts its requests can be known to be unused.
  return instance.incoming.size === 0 || instance.requests !== null;
}

function onOf(turn: Turn, service: ServiceState): Instance[] {
  return [...service.live].flatMap((id) => {
    const instance = turn.state.instances.get(id);
    return instance?.status === 'on' ? [instance] : [];
  });
}
