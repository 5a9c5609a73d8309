/**
 * Dialogue: execution (execution_request, execution_response). R12, R21, R26, R27, R28.
 *
 * Lives here: starting an instance on a node and what its response means. Does not live here: when one is
 * wanted (reconcile.ts).
 *
 *   response │ what follows
 *   200      │ on; what waits for it is granted (R36)
 *   404      │ off; the agent's repository has it no longer, or with other sockets and plugs; another node is tried
 *   409      │ other ports, up to PORT_TRIES_MAX times, then off
 *   421, 5xx │ off, an early end: the restart policy decides
 *   none     │ as 504, and the agent is told to kill it
 */
import type { Message, PlugSetting, SocketSetting } from '../../../ssmmp/core/catalog.ts';
import { viewOf, type ServiceView } from '../../../ssmmp/core/graph.ts';
import { OK } from '../../../ssmmp/core/status.ts';
import { PORT_TRIES_MAX } from '../../../ssmmp/core/timers.ts';
import { endInstance, nameOf, serviceOf, setStatus } from '../instances.ts';
import { placeLeastUsed, type PlacementCandidate } from '../policy/placement.ts';
import { bookOf, releasePorts, takeFixedPort, takePort } from '../ports.ts';
import { replicasOf } from '../reconcile.ts';
import { agentOf, offers, type Agent, type Instance, type ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { killInstance } from './shutdown.ts';

/** Where an instance may be started: only on one node, or not on one. */
export interface Where {
  readonly only?: string | null;
  readonly not?: string | null;
}

/** Starts one instance of a service where the placement policy says; null when no node can. */
export function startInstance(turn: Turn, service: ServiceState, where: Where = {}): Instance | null {
  const { state, now } = turn;
  const view = viewOf(state.index, service.name);
  if (view === null || (view.service.kind === 'baas' && hasOwner(turn, service))) return null;
  const agent = state.agents.get(choosePlace(turn, service, where) ?? '');
  if (agent === undefined) return null;
  const id = state.nextInstanceId;
  state.nextInstanceId += 1;
  const sockets = takePorts(turn, view, agent, id);
  if (sockets === null) return null;
  service.prefer = null;
  const plugs: PlugSetting[] = view.plugs.map(({ plug, socket, dest }) => ({ plug, socket, service: dest }));
  const instance: Instance = {
    id,
    service: service.name,
    agent: agent.key,
    address: agent.address,
    status: 'planned',
    since: now,
    plannedAt: now,
    sockets,
    plugs,
    portTries: 0,
    pid: null,
    health: null,
    healthId: 0,
    healthAt: 0,
    healthAwaited: false,
    misses: 0,
    load: null,
    inFlight: null,
    requests: null,
    refused: false,
    incoming: new Set(),
    outgoing: new Set(),
    grantsIn: new Set(),
    grantsOut: new Set(),
    reaches: new Map(),
    reason: null,
    usedAt: now,
    idle: false,
    fresh: true,
  };
  state.instances.set(id, instance);
  service.live.add(id);
  agent.instances.add(id);
  setStatus(turn, instance, 'starting');
  requestExecution(turn, instance, agent);
  return instance;
}

/**
 * The node the placement policy chooses for one more instance of a service, or null; nothing is changed. `view` is
 * another than the graph's where one asks what would be.
 */
export function choosePlace(
  turn: Turn,
  service: ServiceState,
  where: Where = {},
  view: ServiceView | null = viewOf(turn.state.index, service.name),
): string | null {
  return view === null ? null : chooseAmong(service, candidatesFor(turn, service, view, where));
}

/** The nodes of several more instances, one after another, as far as there are any; nothing is changed. */
export function choosePlaces(turn: Turn, service: ServiceState, view: ServiceView, count: number): string[] {
  const places: string[] = [];
  let candidates = candidatesFor(turn, service, view);
  for (let place = chooseAmong(service, candidates); places.length < count && place !== null;) {
    places.push(place);
    const isTaken = view.service.publicSockets.length > 0;
    candidates = candidates.flatMap((node) => {
      if (node.agent !== place) return [node];
      return isTaken ? [] : [{ ...node, instances: node.instances + 1, replicas: node.replicas + 1 }];
    });
    place = placeLeastUsed(candidates);
  }
  return places;
}

function chooseAmong(service: ServiceState, candidates: readonly PlacementCandidate[]): string | null {
  return candidates.find(({ agent }) => agent === service.prefer)?.agent ?? placeLeastUsed(candidates);
}

/**
 * Starts, side by side with `service`, the services its plugs lead to that have no instance: a request that
 * needs one service will need the next (one level; the next level follows when that one starts).
 */
export function startAhead(turn: Turn, service: ServiceState): void {
  for (const { dest } of viewOf(turn.state.index, service.name)?.plugs ?? []) {
    const next = serviceOf(turn, dest);
    if (next === null || next.holdUntil > turn.now || replicasOf(turn, next) > 0) continue;
    next.desired = Math.max(1, next.desired);
    startInstance(turn, next);
  }
}

/** Sends the execution_request of a starting instance; again after its agent came back (R28). */
export function requestExecution(turn: Turn, instance: Instance, agent: Agent): void {
  if (agent.connection === null) return;
  const id = turn.messageId();
  turn.send(agent.connection, {
    type: 'execution_request',
    message_id: id,
    sub_type: null,
    agent_network_address: agent.address,
    service_name: instance.service,
    service_instance_id: instance.id,
    socket_configuration: instance.sockets,
    plug_configuration: instance.plugs,
  });
  const { startMs, hardMs } = turn.state.timers;
  turn.await(
    { id, type: 'execution_response', connection: agent.connection, instance: instance.id, session: null },
    startMs + hardMs,
  );
}

export function onExecutionResponse(turn: Turn, connection: number, message: Message<'execution_response'>): void {
  const exchange = turn.settle(message.message_id, 'execution_response', connection);
  const instance = exchange === null ? undefined : turn.state.instances.get(exchange.instance);
  if (instance === undefined) return;
  const pid = Number(message.x?.x_pid);
  if (Number.isSafeInteger(pid) && pid > 0) instance.pid = pid;
  if (instance.status !== 'starting') return;
  const status = message.status;
  if (status < 300) {
    setStatus(turn, instance, 'on', null);
    turn.arrived.push(instance);
    return;
  }
  if (status === 409 && tryOtherPorts(turn, instance)) return;
  if (status === 404) noteRefused(turn, instance);
  const end = status === 404 ? 'asked' : 'unasked';
  endInstance(turn, instance, end, `not started: status ${status}`);
}

/** No response in time: as 504, and whatever may still come up is killed. */
export function onExecutionTimeout(turn: Turn, instance: Instance): void {
  if (instance.status === 'starting') killInstance(turn, instance, 'no execution_response in time', 'now');
}

function candidatesFor(turn: Turn, service: ServiceState, view: ServiceView, where: Where = {}): PlacementCandidate[] {
  const { state } = turn;
  const candidates: PlacementCandidate[] = [];
  const replicasOn = new Map<string, number>();
  for (const id of service.live) {
    const agent = state.instances.get(id)?.agent ?? '';
    replicasOn.set(agent, (replicasOn.get(agent) ?? 0) + 1);
  }
  for (const agent of state.agents.values()) {
    if (agent.status !== 'registered' || agent.connection === null || agent.health !== OK || agent.cordoned) continue;
    if (agent.key === where.not || (where.only != null && agent.key !== where.only)) continue;
    if (!offers(agent, service.name)) continue;
    // One gateway a node: a public port belongs to the address (R23).
    const { held } = bookOf(state, agent.address);
    if (view.sockets.some(({ publicPort }) => publicPort !== null && held.has(publicPort))) continue;
    const replicas = replicasOn.get(agent.key) ?? 0;
    candidates.push({ agent: agent.key, number: agent.number, instances: agent.instances.size, replicas });
  }
  return candidates;
}

/** Has a BaaS an instance that may still write? One on a lost node is fenced by the epoch of the next (R50). */
function hasOwner(turn: Turn, service: ServiceState): boolean {
  for (const id of service.live) {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined && agentOf(turn.state, instance)?.status !== 'lost') return true;
  }
  return false;
}

function takePorts(turn: Turn, view: ServiceView, agent: Agent, id: number): SocketSetting[] | null {
  const sockets: SocketSetting[] = [];
  for (const { name, publicPort } of view.sockets) {
    const port = publicPort ?? takePort(turn.state, agent.address, id, turn.now);
    const free = port !== null && (publicPort === null || takeFixedPort(turn.state, agent.address, port, id));
    if (!free || port === null) {
      releasePorts(
        turn.state,
        agent.address,
        sockets.map((socket) => socket.port),
        id,
        turn.now,
      );
      turn.event('service', `no port left on ${agent.address} for ${view.service.name}`, {
        service_name: view.service.name,
      });
      return null;
    }
    sockets.push({ socket: name, port });
  }
  return sockets;
}

function tryOtherPorts(turn: Turn, instance: Instance): boolean {
  const { state, now } = turn;
  const view = viewOf(state.index, instance.service);
  const agent = agentOf(state, instance);
  instance.portTries += 1;
  if (view === null || agent === null || instance.portTries > PORT_TRIES_MAX) return false;
  const before = instance.sockets.map(({ port }) => port);
  releasePorts(state, instance.address, before, instance.id, now);
  const sockets = takePorts(turn, view, agent, instance.id);
  if (sockets === null) return false;
  instance.sockets = sockets;
  turn.event('instance', `${nameOf(instance)} tries other ports: ${before.join(', ')} taken on ${instance.address}`, {
    service_instance_id: instance.id,
  });
  requestExecution(turn, instance, agent);
  return true;
}

function noteRefused(turn: Turn, instance: Instance): void {
  const agent = agentOf(turn.state, instance);
  if (agent === null) return;
  agent.refused.add(instance.service);
  const { service, address } = instance;
  const what = [...instance.sockets.map(({ socket }) => socket), ...instance.plugs.map(({ plug }) => plug)].join(', ');
  turn.event('agent', `${address} has no ${service} with ${what} in its repository`, {
    agent_network_address: address,
    service_name: service,
  });
}
