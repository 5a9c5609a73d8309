/**
 * Versions of a service: several programs that share its requests by their weights.
 *
 * Lives here: how many replicas each version gets, which one starts next, what share of the requests a session carries.
 * Does not live here: starting and draining (reconcile.ts, operations/), what a version runs (the agents' repositories).
 *
 * A version with a weight has one replica at least as soon as the service runs, for a share of nothing would be no share.
 * The rest of the replicas follow the weights. How requests are divided does not depend on how many replicas there are:
 * each session is told its part (`x_weight`), and plugs keep to it.
 */
import { liveVersions, viewOf, type GraphService, type ServiceVersion } from '../../ssmmp/core/graph.ts';
import { countsAsReplica } from './reconcile.ts';
import type { Instance, ManagerState, ServiceState } from './state.ts';
import type { Turn } from './turn.ts';

/** The parts of a service's requests that sessions are told add up to this much, give or take rounding. */
const WHOLE = 1000;

/** How many replicas are wanted in all when `desired` are asked for: one of each version at least, once there are any. */
export function wantedInAll(vertex: GraphService, desired: number): number {
  return desired === 0 ? 0 : Math.max(desired, liveVersions(vertex).length);
}

/** The fewest and the most replicas of each version when `desired` are wanted; for a service without versions, of `null`. */
export function wantedOfEach(vertex: GraphService, desired: number): Map<string | null, number> {
  const versions = liveVersions(vertex);
  if (versions.length === 0) return new Map([[null, desired]]);
  const wanted = new Map<string | null, number>(versions.map(({ name }) => [name, desired === 0 ? 0 : 1]));
  const countOf = ({ name }: ServiceVersion): number => wanted.get(name) ?? 0;
  for (let left = desired - versions.length; left > 0; left -= 1) {
    // The one whose replicas carry most; the order of the file among equals.
    const next = versions.reduce((most, each) =>
      each.weight / (countOf(each) + 1) > most.weight / (countOf(most) + 1) ? each : most,
    );
    wanted.set(next.name, countOf(next) + 1);
  }
  return wanted;
}

/** The versions (or `null`) of which a replica is missing, one entry for each that is to be started. */
export function missingReplicas(
  turn: Turn,
  service: ServiceState,
  vertex: GraphService,
  desired: number,
): (string | null)[] {
  const missing: (string | null)[] = [];
  for (const [version, count] of wantedOfEach(vertex, desired))
    for (let have = replicasOfVersion(turn, service, version); have < count; have += 1) missing.push(version);
  return missing;
}

/** The version of the next instance when nobody says which: one that is missing, else the one with the largest weight. */
export function nextVersion(turn: Turn, service: ServiceState, vertex: GraphService): string | null {
  const versions = liveVersions(vertex);
  if (versions.length < 2) return versions[0]?.name ?? null;
  const missing = missingReplicas(turn, service, vertex, Math.max(1, service.desired))[0];
  return missing ?? versions.reduce((most, each) => (each.weight > most.weight ? each : most)).name;
}

/** Does the graph want no instance of this version (any more)? */
export function isVersionGone(vertex: GraphService, { version }: Instance): boolean {
  const versions = liveVersions(vertex);
  return versions.length === 0 ? version !== null : !versions.some(({ name }) => name === version);
}

/** Replicas of one version that run or are on their way. */
export function replicasOfVersion(turn: Turn, service: ServiceState, version: string | null): number {
  let count = 0;
  for (const id of service.live) {
    const instance = turn.state.instances.get(id);
    if (instance?.version === version && countsAsReplica(turn, instance)) count += 1;
  }
  return count;
}

/** The weight of an instance's version; 1 where the service has none. */
export function weightOf(state: ManagerState, instance: Instance): number {
  const vertex = viewOf(state.index, instance.service)?.service;
  return vertex?.versions?.find(({ name }) => name === instance.version)?.weight ?? (instance.version === null ? 1 : 0);
}

/**
 * The part of all requests that one session to `instance` is to carry, from 1 to WHOLE: its version's share, divided
 * among the version's ready replicas. Null where all sessions are equal.
 */
export function partOf(state: ManagerState, service: ServiceState, instance: Instance): number | null {
  const vertex = viewOf(state.index, service.name)?.service;
  const versions = vertex === undefined ? [] : liveVersions(vertex);
  if (versions.length < 2 || state.settings.strict) return null;
  const ready = new Map<string, number>();
  for (const id of service.ready.ids()) {
    const version = state.instances.get(id)?.version ?? '';
    ready.set(version, (ready.get(version) ?? 0) + 1);
  }
  const all = versions.reduce((sum, { name, weight }) => sum + (ready.has(name) ? weight : 0), 0);
  const replicas = ready.get(instance.version ?? '') ?? 1;
  return Math.max(1, Math.round((WHOLE * weightOf(state, instance)) / (all * replicas || 1)));
}
