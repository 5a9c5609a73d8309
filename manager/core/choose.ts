/**
 * Which instance a session gets.
 *
 * Lives here: what the balancing policy is shown, and when it need not be asked. Does not live here: the policies
 * (policy/balancing.ts), granting (dialogues/session.ts).
 *
 * Several sessions of one plug are there to reach several replicas, so a policy chooses among those that the source
 * does not reach yet, as long as there are any. Where a service has versions their weights come first: the built-in
 * policies choose among the instances of the version that is furthest below its share. A policy in a file sees the weights
 * and all instances, and is free.
 */
import { liveVersions, viewOf } from '../../ssmmp/core/graph.ts';
import type { BalancingCandidate } from '../../ssmmp/core/policy.ts';
import { consult, isOwnPolicy } from './consult.ts';
import { SESSIONS_PER_PLUG_MAX } from './operations/rebalance.ts';
import { agentOf, type Instance, type ManagerState, type ServiceState } from './state.ts';
import type { Turn } from './turn.ts';
import { weightOf } from './versions.ts';

/** The ready instance that a session of `source` to a socket of `service` gets; null when none can have it. */
export function chooseInstance(turn: Turn, service: ServiceState, source: Instance, socket: string): Instance | null {
  const { state } = turn;
  const { balancing } = state.graph.policies;
  const isDefault = balancing === 'least-sessions' || balancing === 'weighted';
  // While instances are replaced, some of them may lack the socket.
  const isPlain = isDefault && !state.replacing.has(service.name) && !hasVersions(state, service);
  const chosen = isPlain ? leastLoaded(service, source) : byPolicy(turn, service, source, socket);
  return chosen === null ? null : (state.instances.get(chosen) ?? null);
}

/** The default policy without looking at every instance. */
function leastLoaded(service: ServiceState, source: Instance): number | null {
  const first = service.ready.choose();
  if (first !== null && service.ready.size > 1 && source.reaches.has(first))
    for (const id of service.ready.inOrder(SESSIONS_PER_PLUG_MAX)) if (!source.reaches.has(id)) return id;
  return first;
}

function byPolicy(turn: Turn, service: ServiceState, source: Instance, socket: string): number | null {
  const { state } = turn;
  const able = service.ready.save().flatMap((id) => {
    const instance = state.instances.get(id);
    return instance !== undefined && hasSocket(instance, socket) ? [instance] : [];
  });
  const unreached = able.filter(({ id }) => !source.reaches.has(id));
  const isOwn = isOwnPolicy(state.graph.policies, 'balancing');
  const open = unreached.length > 0 ? unreached : able;
  const instances = isOwn || !hasVersions(state, service) ? open : ofNeediestVersion(state, able, open);
  if (instances.length < 2) return instances[0]?.id ?? null;
  const candidates = instances.map((instance) => candidateOf(state, instance));
  const asker = { service: source.service, instance: source.id, node: agentOf(state, source)?.number ?? null };
  const { lastChosen: last, choices } = service;
  const { instance, why } = consult(turn, 'balancing', service, { source: asker, candidates, last, choices });
  if (why !== undefined)
    turn.event('session', `${service.name}/${instance} gets the next session: ${why}`, { service_name: service.name });
  return instance;
}

/** Of `open`, the instances of the version with the fewest sessions for its weight; sessions are counted over `able`. */
function ofNeediestVersion(state: ManagerState, able: readonly Instance[], open: readonly Instance[]): Instance[] {
  const sessions = new Map<string | null, number>();
  for (const { version, incoming, grantsIn } of able)
    sessions.set(version, (sessions.get(version) ?? 0) + incoming.size + grantsIn.size);
  let best: { version: string | null; need: number; weight: number } | null = null;
  for (const instance of open) {
    const weight = weightOf(state, instance);
    const need = ((sessions.get(instance.version) ?? 0) + 1) / weight;
    if (best === null || need < best.need || (need === best.need && weight > best.weight))
      best = { version: instance.version, need, weight };
  }
  return open.filter(({ version }) => version === best?.version);
}

function candidateOf(state: ManagerState, instance: Instance): BalancingCandidate {
  const { id, version, incoming, grantsIn, load, inFlight } = instance;
  return {
    instance: id,
    node: agentOf(state, instance)?.number ?? null,
    version,
    weight: weightOf(state, instance),
    sessions: incoming.size + grantsIn.size,
    load,
    inFlight,
  };
}

function hasVersions(state: ManagerState, { name }: ServiceState): boolean {
  const vertex = viewOf(state.index, name)?.service;
  return vertex?.versions !== undefined && liveVersions(vertex).length > 1;
}

/** Does an instance listen on a socket? One that was started before a graph was applied may not. */
function hasSocket(instance: Instance, socket: string): boolean {
  return instance.sockets.some((setting) => setting.socket === socket);
}
