/**
 * Scaling a service: by an operator.
 *
 * Lives here: whether a number of replicas may be wanted, and which replicas go. Does not live here:
 * starting what is missing (reconcile.ts), draining (dialogues/shutdown.ts), scaling by load (autoscale.ts).
 */
import {
  liveVersions,
  programOf,
  replicasMax,
  viewOf,
  type GraphService,
  type ServiceView,
} from '../../../ssmmp/core/graph.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { loadOf, nameOf } from '../instances.ts';
import { choosePlaces } from '../placing.ts';
import { countsAsReplica, reconcile, replicasOf } from '../reconcile.ts';
import type { Instance, ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { missingReplicas, wantedInAll, wantedOfEach } from '../versions.ts';

/** `ssmmp scale SERVICE N`. Refused with the reason, or answered when so many replicas run. */
export function scale(turn: Turn, request: number, name: string, replicas: number, dryRun: boolean): void {
  const service = turn.state.services.get(name);
  const refused = refusalOf(turn, name, replicas);
  if (service === undefined || refused !== null) {
    const status = service === undefined ? 404 : 409;
    return turn.reply(request, status, { status, message: refused, data: { service_name: name, replicas } });
  }
  const now = replicasOf(turn, service);
  if (dryRun) return turn.reply(request, 200, { dry_run: true, steps: scaleSteps(turn, service, now, replicas) });
  turn.event('command', `operator scales ${name} ${now} → ${replicas}`, { service_name: name, desired: replicas });
  service.floor = replicas;
  turn.state.waiters.set(request, { what: 'scaled', service: name, replicas });
  setReplicas(turn, service, replicas, 'scaled in by the operator');
}

/** Wants so many replicas from now on: starts what is missing, drains what is too many. */
export function setReplicas(turn: Turn, service: ServiceState, replicas: number, reason: string): void {
  service.desired = replicas;
  for (const instance of surplus(turn, service, replicas)) drainInstance(turn, instance, reason);
  reconcile(turn, service);
}

/**
 * The replicas that go when only so many are wanted: those with the fewest sessions, the youngest first; of each version
 * as many as its share is smaller. What the graph has no version for any more is replaced, not counted here.
 */
export function surplus(
  turn: Turn,
  service: ServiceState,
  replicas: number,
  vertex: GraphService | null = viewOf(turn.state.index, service.name)?.service ?? null,
): Instance[] {
  const counted: Instance[] = [];
  for (const id of service.live) {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined && countsAsReplica(turn, instance)) counted.push(instance);
  }
  counted.sort((a, b) => rank(a) - rank(b) || loadOf(a) - loadOf(b) || b.id - a.id);
  if (vertex?.versions === undefined || replicas === 0) return counted.slice(0, Math.max(0, counted.length - replicas));
  return [...wantedOfEach(vertex, replicas)].flatMap(([version, wanted]) => {
    const own = counted.filter((instance) => instance.version === version);
    return own.slice(0, Math.max(0, own.length - wanted));
  });
}

/** Why so many replicas may not be wanted, or null. */
export function refusalOf(turn: Turn, name: string, replicas: number): string | null {
  const { state } = turn;
  const service = viewOf(state.index, name)?.service;
  if (service === undefined) return `the graph has no service '${name}'; 'ssmmp get services' lists them`;
  if (service.kind === 'baas')
    return `${name} is a BaaS: it holds data that one instance owns (R50), so a second one could not write. Its callers can be scaled`;
  const { min } = service.replicas;
  const max = replicasMax(service, state.agents.size);
  const versions = liveVersions(service).length;
  if (replicas > 0 && replicas < versions)
    return `${name} has ${versions} versions with a weight, and each has one replica at least, so ${replicas} is too few; 'ssmmp apply' a graph in which one has the weight 0`;
  if (replicas < min || replicas > max)
    return `${name} may have ${min} to ${max} replicas (the graph's 'replicas'${service.replicas.max === null ? ', one gateway a node' : ''}), not ${replicas}`;
  return null;
}

function scaleSteps(turn: Turn, service: ServiceState, now: number, replicas: number): Record<string, unknown>[] {
  const going = surplus(turn, service, replicas).map((instance) => ({
    action: 'drain',
    instance: nameOf(instance),
    agent_network_address: instance.address,
    why: `${loadOf(instance)} sessions, the fewest`,
  }));
  const view = viewOf(turn.state.index, service.name);
  return view === null ? going : [...going, ...startSteps(turn, service, view, now, replicas)];
}

/** The steps that start what is missing of so many replicas. */
export function startSteps(
  turn: Turn,
  service: ServiceState,
  view: ServiceView,
  now: number,
  replicas: number,
): Record<string, unknown>[] {
  const { service: vertex } = view;
  const plain = Array.from({ length: Math.max(0, replicas - now) }, () => null);
  const missing = vertex.versions === undefined ? plain : missingReplicas(turn, service, vertex, replicas);
  const places = choosePlaces(turn, service, view, missing);
  const wanted = wantedInAll(vertex, replicas);
  return missing.map((version, at) => ({
    action: 'start',
    service_name: programOf(service.name, version),
    agent_network_address: turn.state.agents.get(places[at] ?? '')?.address ?? null,
    why: `${now} of ${wanted} replicas run; ${placementText(turn)}`,
  }));
}

function placementText(turn: Turn): string {
  const { placement } = turn.state.graph.policies;
  return typeof placement === 'object'
    ? `${placement.file} chooses the node`
    : 'the node with the fewest instances is taken first';
}

/** What is not on yet goes first, what is out of contact next. */
function rank(instance: Instance): number {
  return instance.status === 'starting' || instance.status === 'planned' ? 0 : instance.status === 'unknown' ? 1 : 2;
}
