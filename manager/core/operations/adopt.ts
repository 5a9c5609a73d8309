/**
 * Another graph takes the place of the one that runs.
 *
 * Lives here: what follows from it for services, sessions and instances, at once or to be done step by step. Does not
 * live here: who brings the graph (apply.ts, start.ts), replacing instances (replace.ts).
 *
 * Everything that is read from the graph when it is needed (policies, idle_after, alias, what is an edge) has changed
 * with it. The rest is brought into line here: what is no edge any more is closed or refused, what is no service any
 * more drains, wanted replicas move into their new limits.
 */
import {
  DEFAULT_POLICIES,
  indexGraph,
  isEdge,
  replicasMax,
  viewOf,
  type Graph,
  type GraphIndex,
  type GraphPolicies,
  type GraphService,
} from '../../../ssmmp/core/graph.ts';
import { edgeText, isSamePolicy } from '../../../ssmmp/core/graph-difference.ts';
import { POLICY_KINDS } from '../../../ssmmp/core/policy.ts';
import { forgetMemory } from '../consult.ts';
import { answerWaiting, failGrant } from '../dialogues/session.ts';
import { askClose } from '../dialogues/session-close.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { LeastLoaded } from '../policy/least-loaded.ts';
import { reconcile } from '../reconcile.ts';
import { agentOf, type Instance, type ManagerState, type ServiceState, type Session } from '../state.ts';
import type { Turn } from '../turn.ts';
import { markOutdated } from './replace.ts';
import { setReplicas } from './scale.ts';

/** What is under way after a graph was adopted. */
export interface Adopted {
  /** Keys of sessions that were asked to close. */
  readonly closing: string[];
}

/** The graph is this one from now on. Nothing may be refused any more (apply.ts has asked before). */
export function adoptGraph(turn: Turn, graph: Graph): Adopted {
  const { state } = turn;
  const before = state.index;
  // What was refused for its sockets and plugs may be fine with those of this graph.
  for (const agent of state.agents.values()) agent.refused.clear();
  const policies = { ...DEFAULT_POLICIES, ...state.graph.policies };
  state.graph = graph;
  state.index = indexGraph(graph);
  for (const kind of POLICY_KINDS)
    if (!isSamePolicy(policies[kind], graph.policies[kind])) {
      state.policyTroubles.delete(kind);
      for (const service of state.services.values()) forgetMemory(service, kind);
    }
  for (const service of [...state.services.values()])
    if (viewOf(state.index, service.name) === null) retire(turn, service);
  const closing = closeRemovedEdges(turn, before);
  for (const vertex of graph.services) {
    const known = state.services.get(vertex.name);
    if (known === undefined) {
      const service = newService(vertex);
      state.services.set(vertex.name, service);
      reconcile(turn, service);
      continue;
    }
    markOutdated(state, known);
    const old = viewOf(before, vertex.name)?.service ?? null;
    const isShared = old?.versions !== undefined || vertex.versions !== undefined;
    // Weights move sessions once: what is here already is spread anew.
    if (isShared) for (const id of known.live) refresh(state, id);
    const desired = limit(turn, known, old, vertex, graph.policies);
    if (desired === known.desired && !isShared) reconcile(turn, known);
    else setReplicas(turn, known, desired, 'the graph wants fewer');
  }
  return { closing };
}

function refresh(state: ManagerState, id: number): void {
  const instance = state.instances.get(id);
  if (instance !== undefined) instance.fresh = true;
}

/** The runtime record of a service that is new in the graph. */
export function newService({ name, replicas }: GraphService): ServiceState {
  return {
    choices: 0,
    lastChosen: 0,
    name,
    desired: replicas.min,
    floor: replicas.min,
    prefer: null,
    memory: new Map(),
    scaledAt: 0,
    live: new Set(),
    ready: new LeastLoaded(),
    waiting: new Set(),
    failures: [],
    holdUntil: 0,
    crashLooping: false,
  };
}

/** The wanted replicas of a service in the limits of its new vertex; moves its floor. */
export function limit(
  turn: Turn,
  service: ServiceState,
  old: GraphService | null,
  vertex: GraphService,
  policies: GraphPolicies,
): number {
  const { min } = vertex.replicas;
  const max = Math.max(min, replicasMax(vertex, turn.state.agents.size));
  const into = (least: number, wanted: number): number => Math.min(max, Math.max(least, wanted));
  const { desired } = service;
  const isGraphs = old !== null && service.floor === old.replicas.min;
  service.floor = into(min, isGraphs ? min : service.floor);
  // Only the graph wanted so many, and no load will ever want fewer.
  const isByLoad = vertex.kind === 'service' && policies.scaling !== 'none';
  const follows = isGraphs && !isByLoad && desired === old.replicas.min && min < desired;
  return into(service.floor, follows ? Math.max(1, min) : desired);
}

/** Is a session on something that is no edge of the graph (any more)? */
export function isForeign(state: ManagerState, session: Session): boolean {
  const serviceOf = (id: number): string => (state.instances.get(id) ?? state.ended.get(id))?.service ?? '';
  return !isEdge(state.index, serviceOf(session.source), session.plug, session.socket, serviceOf(session.dest));
}

/** The agent of an instance is back: sessions that are no edges any more are asked to close now. */
export function closeForeign(turn: Turn, instance: Instance): void {
  for (const key of [...instance.outgoing, ...instance.incoming]) closeIfForeign(turn, key);
}

/** Asks for the end of a session that is no edge; an end out of contact is asked when its agent is back. */
function closeIfForeign(turn: Turn, key: string): boolean {
  const { state } = turn;
  const session = state.sessions.get(key);
  if (session === undefined || session.status === 'closing' || !isForeign(state, session)) return false;
  const isReachable = [session.source, session.dest].some((id) => isInContact(turn, state.instances.get(id)));
  if (isReachable) askClose(turn, key, 'source', 'its edge is not in the graph any more');
  return isReachable;
}

function isInContact(turn: Turn, instance: Instance | undefined): boolean {
  return instance !== undefined && agentOf(turn.state, instance)?.connection != null;
}

/** A service is not in the graph any more: its instances drain, nobody waits for it. */
function retire(turn: Turn, service: ServiceState): void {
  service.desired = 0;
  service.floor = 0;
  service.prefer = null;
  answerWaiting(turn, service, 404);
  for (const id of [...service.live]) {
    const instance = turn.state.instances.get(id);
    if (instance === undefined) continue;
    instance.idle = false;
    drainInstance(turn, instance, `${service.name} is not in the graph any more`);
  }
  forgetService(turn, service);
}

/** Forgets a service that is not in the graph once none of its instances lives. */
export function forgetService(turn: Turn, service: ServiceState): void {
  const { state } = turn;
  if (service.live.size > 0 || viewOf(state.index, service.name) !== null) return;
  state.services.delete(service.name);
  state.replacing.delete(service.name);
  turn.clear('hold', service.name);
}

/** Sessions of removed edges are asked to close at once; requests that wait for one are refused with 403. */
function closeRemovedEdges(turn: Turn, before: GraphIndex): string[] {
  const { state } = turn;
  const closing: string[] = [];
  for (const edge of before.graph.edges) {
    const { source, plug, socket, dest } = edge;
    if (isEdge(state.index, source, plug, socket, dest)) continue;
    let closed = 0;
    for (const id of state.services.get(source)?.live ?? []) {
      const instance = state.instances.get(id);
      if (instance === undefined) continue;
      for (const key of [...instance.grantsOut]) {
        const grant = state.grants.get(key);
        if (grant?.status === 'requested' && grant.plug === plug) failGrant(turn, grant, 403);
      }
      for (const key of [...instance.outgoing]) {
        if (state.sessions.get(key)?.plug !== plug || !closeIfForeign(turn, key)) continue;
        closing.push(key);
        closed += 1;
      }
    }
    if (closed > 0)
      turn.event('service', `the edge ${edgeText(edge)} is gone: ${closed} of its sessions are closed`, {
        service_name: source,
        sessions: closed,
      });
  }
  return closing;
}
