/**
 * Scaling without an operator: by load, and down to nothing when nobody comes (R35, R45).
 *
 * Lives here: feeding the scaling policy and carrying out its choice; idle instances. Does not live here:
 * the policy itself (policy/scaling.ts). Called on each beat.
 */
import { replicasMax, type GraphService } from '../../../ssmmp/core/graph.ts';
import { OVERLOADED } from '../../../ssmmp/core/status.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { nameOf } from '../instances.ts';
import { isCold, isHot, scaleByLoad } from '../policy/scaling.ts';
import type { Instance, ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { rebalance } from './rebalance.ts';
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

function byLoad(turn: Turn, vertex: GraphService, service: ServiceState): void {
  const { now, state } = turn;
  const loads = onOf(turn, service).map(({ health, load }) => (health === OVERLOADED ? 1 : (load ?? 0)));
  service.hotSince = isHot(loads) ? service.hotSince || now : 0;
  service.coldSince = isCold(loads) ? service.coldSince || now : 0;
  const choice = scaleByLoad({
    service: service.name,
    desired: service.desired,
    min: service.floor,
    max: replicasMax(vertex, state.agents.size),
    loads,
    hotForMs: service.hotSince === 0 ? 0 : now - service.hotSince,
    coldForMs: service.coldSince === 0 ? 0 : now - service.coldSince,
    hotMs: state.timers.hotMs,
    coldMs: state.timers.coldMs,
  });
  if (choice === null) return;
  service.hotSince = 0;
  service.coldSince = 0;
  turn.event('service', choice.why, { service_name: service.name, desired: choice.desired });
  setReplicas(turn, service, choice.desired, choice.why);
}

/** Drains what nobody has used for `idleAfterMs`; gateways and the fewest replicas stay. */
function stopIdle(turn: Turn, vertex: GraphService, service: ServiceState, idleAfterMs: number): void {
  for (const instance of onOf(turn, service)) {
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
