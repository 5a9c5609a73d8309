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
import { PORT_TRIES_MAX } from '../../../ssmmp/core/timers.ts';
import { endInstance, nameOf, programName, serviceOf, setStatus } from '../instances.ts';
import { choosePlace, type Where } from '../placing.ts';
import { releasePorts, takeFixedPort, takePort } from '../ports.ts';
import { replicasOf } from '../reconcile.ts';
import { agentOf, type Agent, type Instance, type ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { nextVersion } from '../versions.ts';
import { killInstance } from './shutdown.ts';

/** Starts one instance of a service where the placement policy says; null when no node can. */
export function startInstance(turn: Turn, service: ServiceState, where: Where = {}): Instance | null {
  const { state, now } = turn;
  const view = viewOf(state.index, service.name);
  if (view === null || (view.service.kind === 'baas' && hasOwner(turn, service))) return null;
  const version = where.version === undefined ? nextVersion(turn, service, view.service) : where.version;
  const agent = state.agents.get(choosePlace(turn, service, { ...where, version }) ?? '');
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
    version,
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
    requestsSeen: 0,
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
    service_name: programName(instance),
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
  const { address } = instance;
  const service = programName(instance);
  agent.refused.add(service);
  const what = [...instance.sockets.map(({ socket }) => socket), ...instance.plugs.map(({ plug }) => plug)].join(', ');
  turn.event('agent', `${address} has no ${service} with ${what} in its repository`, {
    agent_network_address: address,
    service_name: service,
  });
}
