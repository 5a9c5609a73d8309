/**
 * Replacing instances whose sockets or plugs are no longer the graph's.
 *
 * Lives here: which instances these are, and the order in which they go. Does not live here: a new graph (adopt.ts),
 * what a single replacement does step by step (migrate.ts).
 *
 * An instance learns its sockets and plugs from the arguments it is started with, so a change of them needs another
 * instance. They go one by one, and a service after those that its plugs lead to: a new plug finds its socket.
 *
 *   service   the new one first, on any node
 *   gateway   the new one first, on a node without one; where there is none, on its own node, the old one first
 *   BaaS      the old one first (one owner at a time, R50), on its own node
 */
import { OK } from '../../../ssmmp/core/status.ts';
import { viewOf, type ServiceView } from '../../../ssmmp/core/graph.ts';
import { startInstance } from '../dialogues/execution.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { nameOf, programName } from '../instances.ts';
import { anyPlace } from '../placing.ts';
import { agentOf, offers, type Instance, type ManagerState, type ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { isVersionGone, replicasOfVersion, wantedOfEach } from '../versions.ts';

/** How an instance differs from what the graph says of its service: `+ plug p`, `- socket s`; empty for not at all. */
export function outdatedBy(view: ServiceView, instance: Instance): string[] {
  const { sockets, plugs } = instance;
  return [
    ...(isVersionGone(view.service, instance)
      ? [instance.version === null ? 'it has versions now' : `- version ${instance.version}`]
      : []),
    ...plugs.filter((plug) => !hasPlug(view, plug)).map(({ plug }) => `- plug ${plug}`),
    ...view.plugs
      .filter((edge) => !plugs.some((plug) => isPlug(edge, plug)))
      .map(({ plug, dest }) => `+ plug ${plug} to ${dest}`),
    ...sockets.filter((socket) => !hasSocket(view, socket)).map(({ socket, port }) => `- socket ${socket} at ${port}`),
    ...view.sockets
      .filter(({ name, publicPort }) => !sockets.some((socket) => isSocket({ name, publicPort }, socket)))
      .map(({ name, publicPort }) => `+ socket ${name}${publicPort === null ? '' : ` at ${publicPort}`}`),
  ];
}

/** Notes that a service has instances to be replaced, if it has. Called when its graph or its instances come (back). */
export function markOutdated(state: ManagerState, service: ServiceState): void {
  const view = viewOf(state.index, service.name);
  if (view === null) return;
  for (const id of service.live) {
    const instance = state.instances.get(id);
    if (instance === undefined || outdatedBy(view, instance).length === 0) continue;
    // It goes for another reason, and does not come back when somebody asks for it.
    instance.idle = false;
    if (mayBeReplaced(instance)) state.replacing.set(service.name, 0);
  }
}

/** After each step: the next instance of each service that has some to replace, when the one before is done. */
export function continueReplacing(turn: Turn): void {
  const { state, now } = turn;
  if (state.stopping !== null) return;
  const due: { service: ServiceState; view: ServiceView; next: Instance }[] = [];
  for (const [name, notBefore] of state.replacing) {
    const service = state.services.get(name);
    const view = viewOf(state.index, name);
    const next = service === undefined || view === null ? undefined : nextOf(state, service, view);
    if (service === undefined || view === null || next === undefined) {
      // One that is under way still counts: whose plugs lead here waits for it.
      if (!isUnderWay(state, name)) state.replacing.delete(name);
    } else if (now >= notBefore) due.push({ service, view, next });
  }
  for (const { service, view, next } of due)
    if (!isBusy(turn, service, view, next) && !replace(turn, service, view, next))
      state.replacing.set(service.name, now + state.timers.heartbeatMs);
}

/** The next instance to be replaced; one that is not on yet goes first, for it serves nobody. */
export function nextOf(state: ManagerState, service: ServiceState, view: ServiceView): Instance | undefined {
  let next: Instance | undefined;
  for (const id of service.live) {
    const instance = state.instances.get(id);
    if (instance === undefined || !mayBeReplaced(instance) || outdatedBy(view, instance).length === 0) continue;
    if (next === undefined || (next.status === 'on' && instance.status !== 'on')) next = instance;
  }
  return next;
}

/** Where another instance takes over from one, and whether it can before that one goes; null for nowhere now. */
export function placeFor(
  turn: Turn,
  service: ServiceState,
  view: ServiceView,
  instance: Instance,
): { readonly agent: string; readonly isNewFirst: boolean } | null {
  const { kind } = view.service;
  const free = kind === 'baas' ? null : anyPlace(turn, service, {}, view);
  if (free !== null) return { agent: free, isNewFirst: true };
  if (kind === 'service') return null;
  const own = isUsable(turn, instance) ? instance.agent : null;
  const agent = own ?? (kind === 'baas' ? anyPlace(turn, service, { not: instance.agent }, view) : null);
  return agent === null ? null : { agent, isNewFirst: false };
}

/** An instance out of contact is looked at when its agent is back. */
function mayBeReplaced({ status }: Instance): boolean {
  return status === 'planned' || status === 'starting' || status === 'on';
}

function isBusy(turn: Turn, service: ServiceState, view: ServiceView, next: Instance): boolean {
  const { state, now } = turn;
  if (next.status !== 'on') return false;
  if (service.holdUntil > now) return true;
  if (isUnderWay(state, service.name)) return true;
  for (const id of service.live) {
    const instance = state.instances.get(id);
    if (instance === undefined || instance.status === 'on' || instance.status === 'unknown') continue;
    if (agentOf(state, instance)?.connection != null) return true;
  }
  return view.plugs.some(({ dest }) => state.replacing.has(dest) && state.services.get(dest)?.crashLooping === false);
}

/** Does an instance of this service move now, or is one being replaced? */
export function isUnderWay(state: ManagerState, service: string): boolean {
  for (const migration of state.migrations.values()) if (migration.service === service) return true;
  return false;
}

/** Begins to replace one instance; false when no node can run another one now. */
function replace(turn: Turn, service: ServiceState, view: ServiceView, instance: Instance): boolean {
  const { state } = turn;
  const why = outdatedBy(view, instance).join(', ');
  const reason = `replaced: ${why}`;
  if (instance.status !== 'on') {
    drainInstance(turn, instance, reason);
    return true;
  }
  if (view.service.versions !== undefined && isVersionGone(view.service, instance)) {
    if (!areOthersOn(turn, service, view)) return false;
    drainInstance(turn, instance, reason);
    return true;
  }
  const place = placeFor(turn, service, view, instance);
  if (place === null) return false;
  const { agent, isNewFirst } = place;
  const where = isVersionGone(view.service, instance) ? {} : { version: instance.version };
  const replacement = isNewFirst ? startInstance(turn, service, where) : null;
  if (isNewFirst && replacement === null) return false;
  if (!isNewFirst) service.prefer = agent;
  const how = replacement === null ? ', the old one first' : ` by ${nameOf(replacement)}`;
  turn.event('service', `${nameOf(instance)} is replaced${how}: ${why}`, {
    service_name: service.name,
    service_instance_id: instance.id,
    replacement: replacement?.id ?? null,
  });
  const { name } = service;
  state.migrations.set(instance.id, {
    old: instance.id,
    service: name,
    replacement: replacement?.id ?? null,
    reason,
    isReplaced: true,
  });
  if (!isNewFirst) drainInstance(turn, instance, reason);
  return true;
}

/** Are the versions that take over on, as many as are wanted, or as many as any node can run? */
function areOthersOn(turn: Turn, service: ServiceState, view: ServiceView): boolean {
  let on = 0;
  for (const id of service.live) {
    const instance = turn.state.instances.get(id);
    if (instance === undefined || isVersionGone(view.service, instance)) continue;
    if (instance.status === 'on') on += 1;
    else if (instance.status === 'starting' || instance.status === 'planned') return false;
  }
  const isShort = [...wantedOfEach(view.service, service.desired)].some(
    ([version, count]) =>
      replicasOfVersion(turn, service, version) < count && anyPlace(turn, service, { version }, view) !== null,
  );
  return !isShort && (on > 0 || service.desired === 0);
}

/** Can its own node start its service again? */
function isUsable(turn: Turn, instance: Instance): boolean {
  const agent = agentOf(turn.state, instance);
  return (
    agent !== null &&
    agent.status === 'registered' &&
    agent.connection !== null &&
    agent.health === OK &&
    !agent.cordoned &&
    offers(agent, programName(instance))
  );
}

function hasPlug(view: ServiceView, plug: Instance['plugs'][number]): boolean {
  const edge = view.edgeByPlug.get(plug.plug);
  return edge !== undefined && isPlug(edge, plug);
}

function isPlug(edge: ServiceView['plugs'][number], plug: Instance['plugs'][number]): boolean {
  return edge.plug === plug.plug && edge.socket === plug.socket && edge.dest === plug.service;
}

function hasSocket(view: ServiceView, socket: Instance['sockets'][number]): boolean {
  return view.sockets.some((wanted) => isSocket(wanted, socket));
}

function isSocket(wanted: ServiceView['sockets'][number], { socket, port }: Instance['sockets'][number]): boolean {
  return wanted.name === socket && (wanted.publicPort === null || wanted.publicPort === port);
}
