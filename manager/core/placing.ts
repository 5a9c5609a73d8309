/**
 * Placing: which nodes can run one more instance of a service, and which of them does.
 *
 * Lives here: the nodes that can, what the placement policy is shown of them. Does not live here: the policy
 * (policy/placement.ts), starting (dialogues/execution.ts). Whether any node can is asked far more often than which
 * one shall; only the second is a question for a policy, and only where there are two or more.
 */
import { programOf, viewOf, type ServiceView } from '../../ssmmp/core/graph.ts';
import type { PlacementNode } from '../../ssmmp/core/policy.ts';
import { OK } from '../../ssmmp/core/status.ts';
import { consult } from './consult.ts';
import { PLACEMENT } from './policy/placement.ts';
import { bookOf } from './ports.ts';
import { offers, type ServiceState } from './state.ts';
import type { Turn } from './turn.ts';
import { nextVersion } from './versions.ts';

/** Where an instance may be started: only on one node, or not on one. And which version; missing: whichever is next. */
export interface Where {
  readonly only?: string | null;
  readonly not?: string | null;
  readonly version?: string | null;
}

interface Place extends PlacementNode {
  /** The key of the node's agent. */
  readonly agent: string;
}

/** The nodes that can run one more instance of a service, in the order of their numbers. */
function placesFor(turn: Turn, service: ServiceState, view: ServiceView, where: Where): Place[] {
  const { state } = turn;
  const version = where.version === undefined ? nextVersion(turn, service, view.service) : where.version;
  const program = programOf(service.name, version);
  const replicasOn = new Map<string, number>();
  for (const id of service.live) {
    const agent = state.instances.get(id)?.agent ?? '';
    replicasOn.set(agent, (replicasOn.get(agent) ?? 0) + 1);
  }
  const places: Place[] = [];
  for (const agent of state.agents.values()) {
    if (agent.status !== 'registered' || agent.connection === null || agent.health !== OK || agent.cordoned) continue;
    if (agent.key === where.not || (where.only != null && agent.key !== where.only)) continue;
    if (!offers(agent, program)) continue;
    // One gateway a node: a public port belongs to the address (R23).
    const { held } = bookOf(state, agent.address);
    if (view.sockets.some(({ publicPort }) => publicPort !== null && held.has(publicPort))) continue;
    const { key, number: node, address, instances } = agent;
    places.push({ agent: key, node, address, instances: instances.size, replicas: replicasOn.get(key) ?? 0 });
  }
  return places.sort((a, b) => a.node - b.node);
}

/** Can any node run one more instance? Its answer is the built-in policy's node, null for none. Nothing is asked or changed. */
export function anyPlace(
  turn: Turn,
  service: ServiceState,
  where: Where = {},
  view: ServiceView | null = viewOf(turn.state.index, service.name),
): string | null {
  const places = view === null ? [] : placesFor(turn, service, view, where);
  if (places.length === 0) return null;
  const { node } = PLACEMENT['least-used']({ ...unasked(service), ...seenOf(view, null, places) });
  return agentAt(places, node);
}

/**
 * The node the placement policy chooses for one more instance of a service, or null. A `trial` only shows what it would
 * be: nothing is kept of it.
 */
export function choosePlace(turn: Turn, service: ServiceState, where: Where = {}, trial = false): string | null {
  const view = viewOf(turn.state.index, service.name);
  const places = view === null ? [] : placesFor(turn, service, view, where);
  const preferred = places.find(({ agent }) => agent === service.prefer);
  if (view === null || preferred !== undefined) return preferred?.agent ?? null;
  return chooseAmong(turn, service, view, where.version ?? null, places, trial);
}

/** The nodes of several more instances, one after another, as far as there are any; nothing is changed. */
export function choosePlaces(
  turn: Turn,
  service: ServiceState,
  view: ServiceView,
  versions: readonly (string | null)[],
): (string | null)[] {
  const taken: Place[] = [];
  return versions.map((version) => {
    const places = placesFor(turn, service, view, { version }).flatMap((place) => {
      const own = taken.filter(({ agent }) => agent === place.agent).length;
      if (own > 0 && view.service.publicSockets.length > 0) return [];
      return [{ ...place, instances: place.instances + own, replicas: place.replicas + own }];
    });
    const agent = chooseAmong(turn, service, view, version, places, true);
    const place = places.find((candidate) => candidate.agent === agent);
    if (place !== undefined) taken.push(place);
    return agent;
  });
}

function chooseAmong(
  turn: Turn,
  service: ServiceState,
  view: ServiceView,
  version: string | null,
  places: readonly Place[],
  trial: boolean,
): string | null {
  if (places.length < 2) return places[0]?.agent ?? null;
  const { node, why } = consult(turn, 'placement', service, seenOf(view, version, places), trial);
  const agent = agentAt(places, node);
  if (why !== undefined && !trial)
    turn.event('service', `${service.name} is placed on node ${node}: ${why}`, { service_name: service.name, node });
  return agent;
}

function seenOf(view: ServiceView | null, version: string | null, places: readonly Place[]): Seen {
  const nodes = places.map(({ agent: _agent, ...node }) => node);
  return { kind: view?.service.kind ?? 'service', version, nodes };
}

type Seen = Omit<Parameters<(typeof PLACEMENT)['least-used']>[0], 'at' | 'service' | 'state'>;

function unasked({ name }: ServiceState): { at: number; service: string; state: null } {
  return { at: 0, service: name, state: null };
}

function agentAt(places: readonly Place[], node: number): string | null {
  return places.find((place) => place.node === node)?.agent ?? null;
}
