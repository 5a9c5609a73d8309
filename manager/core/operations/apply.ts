/**
 * `ssmmp plan` and `ssmmp apply`: another graph while the CNApp runs.
 *
 * Lives here: what is refused, what would be done and why, when it is done. Does not live here: reading the file (the
 * shell has done it), doing it (adopt.ts, replace.ts).
 */
import {
  indexGraph,
  isEdge,
  liveVersions,
  programOf,
  viewOf,
  type Graph,
  type GraphIndex,
  type GraphService,
} from '../../../ssmmp/core/graph.ts';
import {
  changeText,
  differenceOf,
  edgeText,
  servicesOf,
  type GraphChange,
} from '../../../ssmmp/core/graph-difference.ts';
import { counted } from '../../../ssmmp/core/graph-live.ts';
import { loadOf, nameOf } from '../instances.ts';
import { anyPlace } from '../placing.ts';
import { replicasOf } from '../reconcile.ts';
import { agentOf, type ServiceState, type Waiter } from '../state.ts';
import type { Turn } from '../turn.ts';
import { adoptGraph, limit, newService } from './adopt.ts';
import { nextOf, outdatedBy, placeFor } from './replace.ts';
import { startSteps, surplus } from './scale.ts';
import { wantedInAll } from '../versions.ts';

type Step = Readonly<Record<string, unknown>>;

/** Refused with the reason, or answered when all that follows from the new graph is done. `file` is for people. */
export function apply(turn: Turn, request: number, graph: Graph, file: string, dryRun: boolean): void {
  const { state } = turn;
  const changes = differenceOf(state.graph, graph);
  const refused = refusals(turn, changes);
  const isRefused = refused.length > 0;
  const steps = isRefused ? [] : stepsOf(turn, graph);
  const body = { file, changes, refused, steps, warnings: isRefused ? [] : warningsOf(turn, graph) };
  if (dryRun) return turn.reply(request, 200, { dry_run: true, ...body });
  if (isRefused || state.stopping !== null) {
    const message = state.stopping !== null ? 'the testbed stops' : refused.join('; ');
    return turn.reply(request, 409, { status: 409, message, data: body });
  }
  if (changes.length === 0) return turn.reply(request, 200, body);
  turn.event('command', `operator applies ${file}: ${changes.map(changeText).join(', ')}`, { changes: changes.length });
  const before = new Set(state.services.keys());
  const { closing } = adoptGraph(turn, graph);
  const services = [...new Set([...changes.flatMap(servicesOf), ...state.replacing.keys()])];
  for (const name of before) if (viewOf(state.index, name) === null && !services.includes(name)) services.push(name);
  state.waiters.set(request, { what: 'applied', services, closing, body });
}

/** Why a graph cannot take the place of the one that runs, a sentence each. */
export function refusals(turn: Turn, changes: readonly GraphChange[]): string[] {
  return changes.flatMap((change) => {
    if (change.what !== 'kind') return [];
    const { service_name: name, from, to } = change;
    const live = turn.state.services.get(name)?.live.size ?? 0;
    if (live === 0) return [];
    const why = `${name} is a ${from} and cannot become a ${to} while ${live === 1 ? 'an instance of it runs' : `${live} instances of it run`}: who may write its data and who is asked first depend on the kind`;
    return [`${why}. Apply a graph without ${name} first, then this one`];
  });
}

/** The answer to an operator whose graph was applied, once everything is done; null while it is not. */
export function applied(
  turn: Turn,
  waiter: Extract<Waiter, { what: 'applied' }>,
): { status: number; body: Step } | null {
  const { state } = turn;
  const { closing, services, body } = waiter;
  for (let key = closing.at(-1); key !== undefined; key = closing.at(-1)) {
    if (state.sessions.get(key)?.status === 'closing') return null;
    closing.pop();
  }
  const problems: string[] = [];
  for (const name of services) {
    const service = state.services.get(name);
    if (service === undefined) continue;
    const stuck = stuckOf(turn, service);
    if (stuck !== null) problems.push(stuck);
    else if (!isSettled(turn, service)) return null;
  }
  if (problems.length === 0) return { status: 200, body };
  const message = `the graph is applied, but ${problems.join(', ')}; 'ssmmp events' tells more`;
  return { status: 503, body: { status: 503, message, data: body } };
}

/** Why a service does not get any further by itself, or null. */
function stuckOf(turn: Turn, service: ServiceState): string | null {
  const { state } = turn;
  if (service.crashLooping) return `${service.name} is crash-looping`;
  const view = viewOf(state.index, service.name);
  const next = view === null ? undefined : nextOf(state, service, view);
  if (view !== null && next?.status === 'on' && placeFor(turn, service, view, next) === null)
    return `no node can run ${service.name} with its new sockets and plugs, ${nameOf(next)} stays`;
  const isMissing = view !== null && service.live.size === 0 && service.desired > 0;
  return isMissing && anyPlace(turn, service) === null ? `no node can run ${service.name}` : null;
}

/** Is everything that can be reached of a service as the graph wants it? */
function isSettled(turn: Turn, service: ServiceState): boolean {
  const { state } = turn;
  const view = viewOf(state.index, service.name);
  for (const id of service.live) {
    const instance = state.instances.get(id);
    if (instance === undefined || agentOf(state, instance)?.connection == null) continue;
    if (view === null || instance.status !== 'on' || outdatedBy(view, instance).length > 0) return false;
  }
  // What no node can run now is started when one can.
  return (
    view === null ||
    replicasOf(turn, service) >= wantedInAll(view.service, service.desired) ||
    anyPlace(turn, service) === null
  );
}

/** What would be done, for people to read first; nothing is changed. */
function stepsOf(turn: Turn, graph: Graph): Step[] {
  const { state } = turn;
  const index = indexGraph(graph);
  return [
    ...[...state.services.values()].flatMap((service) =>
      viewOf(index, service.name) === null ? stepsOfRemoved(turn, service) : [],
    ),
    ...stepsOfEdges(turn, index),
    ...graph.services.flatMap(({ name }) => stepsOfService(turn, index, name)),
  ];
}

function isSameVersions(old: GraphService | null, now: GraphService): boolean {
  return JSON.stringify(old?.versions ?? []) === JSON.stringify(now.versions ?? []);
}

function stepsOfRemoved(turn: Turn, service: ServiceState): Step[] {
  return [...service.live].flatMap((id) => {
    const instance = turn.state.instances.get(id);
    if (instance === undefined) return [];
    const why = `${service.name} is not in the graph any more`;
    return [{ action: 'drain', instance: nameOf(instance), agent_network_address: instance.address, why }];
  });
}

function stepsOfEdges(turn: Turn, index: GraphIndex): Step[] {
  const { state } = turn;
  return state.graph.edges.flatMap((edge) => {
    if (isEdge(index, edge.source, edge.plug, edge.socket, edge.dest)) return [];
    let sessions = 0;
    for (const id of state.services.get(edge.source)?.live ?? [])
      for (const key of state.instances.get(id)?.outgoing ?? [])
        if (state.sessions.get(key)?.plug === edge.plug) sessions += 1;
    const why = 'sessions under way are closed, new ones refused with 403';
    return [{ action: 'close', edge: edgeText(edge), sessions, why }];
  });
}

function stepsOfService(turn: Turn, index: GraphIndex, name: string): Step[] {
  const { state } = turn;
  const view = viewOf(index, name);
  if (view === null) return [];
  const known = state.services.get(name);
  // A copy of what `limit` changes, so that nothing is.
  const service = known === undefined ? newService(view.service) : { ...known };
  const old = viewOf(state.index, name)?.service ?? null;
  const desired = limit(turn, service, old, view.service, index.graph.policies);
  const isShared = !isSameVersions(old, view.service);
  const changes = known === undefined || desired !== known.desired || isShared;
  const now = replicasOf(turn, service);
  const going = changes ? surplus(turn, service, desired, view.service) : [];
  const steps: Step[] = going.map((instance) => ({
    action: 'drain',
    instance: nameOf(instance),
    agent_network_address: instance.address,
    why: `the wanted number is ${desired}; ${counted(loadOf(instance), 'session')}, the fewest`,
  }));
  const meanwhile = view.service.kind === 'gateway' ? 'its users connect again' : 'requests wait meanwhile';
  for (const id of service.live) {
    const instance = state.instances.get(id);
    if (instance === undefined || going.includes(instance)) continue;
    const differences = outdatedBy(view, instance);
    if (differences.length === 0) continue;
    const place = placeFor(turn, service, view, instance);
    steps.push({
      action: 'replace',
      instance: nameOf(instance),
      agent_network_address: instance.address,
      to: state.agents.get(place?.agent ?? '')?.address ?? null,
      why: `${differences.join(', ')}${place?.isNewFirst === false ? ` (the old one goes first; ${meanwhile})` : ''}`,
    });
  }
  return changes ? [...steps, ...startSteps(turn, service, view, now, desired)] : steps;
}

function programsOf(vertex: GraphService): string[] {
  const versions = liveVersions(vertex);
  return versions.length === 0 ? [vertex.name] : versions.map(({ name }) => programOf(vertex.name, name));
}

function warningsOf(turn: Turn, graph: Graph): string[] {
  const { state } = turn;
  const index = indexGraph(graph);
  return graph.services.flatMap((vertex) => {
    const { name, kind } = vertex;
    const warnings: string[] = [];
    for (const program of programsOf(vertex)) {
      const isNew = vertex.versions !== undefined || viewOf(state.index, name) === null;
      if (!isNew || [...state.agents.values()].some(({ repository }) => repository.has(program))) continue;
      warnings.push(
        `no node has ${program} in its repository: it cannot run before one that has it registers (an agent reads its repository file when it starts)`,
      );
    }
    const view = viewOf(index, name);
    const service = state.services.get(name);
    const next = view === null || service === undefined ? undefined : nextOf(state, service, view);
    if (view === null || service === undefined || next?.status !== 'on') return warnings;
    const place = placeFor(turn, service, view, next);
    if (place === null) warnings.push(`no node can run another ${name} now: ${nameOf(next)} stays until one can`);
    else if (kind === 'gateway' && !place.isNewFirst && replicasOf(turn, service) === 1)
      warnings.push(
        `${nameOf(next)} is the only gateway and every node has one: users are cut off while it starts again`,
      );
    return warnings;
  });
}
