/**
 * The Manager's state as operators see it.
 *
 * Lives here: the lists of the operator port, with the field names of the specification in snake case.
 * Does not live here: HTTP, tables for terminals (operator/). Nothing here changes the state.
 */
import { DEFAULT_TIMERS, scaledTimers, TIMER_NAMES, timerMeaning } from '../../ssmmp/core/timers.ts';
import { canonicalName, usableGateways } from './dns.ts';
import { heldBecause } from './self-doubt.ts';
import { offers, type Agent, type EndedSession, type Instance, type ManagerState, type Session } from './state.ts';

export type View = Record<string, unknown>;

/** Nodes: `agent_network_address, node, status`, and what else is known of them. */
export function nodesView(state: ManagerState): View[] {
  return [...state.agents.values()]
    .sort((a, b) => a.number - b.number)
    .map((agent) => ({
      agent_network_address: agent.address,
      node: agent.number,
      status: agent.status,
      instances: agent.instances.size,
      health: agent.health,
      cordoned: agent.cordoned,
      held: heldBecause(state, agent),
      service_repository: [...agent.repository].filter((name) => offers(agent, name)),
    }));
}

/** Services: `service_name, kind, desired, running`. */
export function servicesView(state: ManagerState): View[] {
  return state.graph.services.map(({ name, kind, replicas }) => {
    const service = state.services.get(name);
    let running = 0;
    for (const id of service?.live ?? []) if (state.instances.get(id)?.status === 'on') running += 1;
    const desired = service?.desired ?? 0;
    const status = service?.crashLooping === true ? 'crash-looping' : running >= desired ? 'on' : 'starting';
    return {
      service_name: name,
      kind,
      desired,
      running,
      status,
      min: replicas.min,
      max: replicas.max,
      waiting: service?.waiting.size ?? 0,
    };
  });
}

/** Instances, those that are off only with `all`. */
export function instancesView(state: ManagerState, all = false): View[] {
  const live = [...state.instances.values()].map((instance) => instanceView(state, instance));
  return all ? [...[...state.ended.values()].map((instance) => instanceView(state, instance)), ...live] : live;
}

/** Sessions: the fields of `source_service_session_close_info`, `status` being the state; ended ones only with `all`. */
export function sessionsView(state: ManagerState, all = false): View[] {
  const live = [...state.sessions.values()].map((session) => sessionView(state, session, session.status));
  return all ? [...endedView(state), ...live] : live;
}

/** Gateways a user can connect to: `address, port, name`, the name being the canonical DNS name (R23). */
export function gatewaysView(state: ManagerState): View[] {
  return usableGateways(state).flatMap((instance) => {
    const { id, service, address, status, sockets } = instance;
    const publicSockets = state.graph.services.find(({ name }) => name === service)?.publicSockets ?? [];
    return publicSockets.map(({ name: socket }) => ({
      address,
      port: sockets.find((setting) => setting.socket === socket)?.port,
      name: canonicalName(state.graph.alias, service, id),
      service_name: service,
      service_instance_id: id,
      status,
    }));
  });
}

/** The timers as they are (R46): `name, ms, meaning`, and what the preset says before the factor. */
export function timersView(state: ManagerState): View[] {
  const { timerPreset = 'lab', timerScale } = state.settings;
  const unscaled = scaledTimers(1, timerPreset);
  return TIMER_NAMES.map((name) => ({
    name,
    ms: state.timers[name],
    preset: timerPreset,
    preset_ms: unscaled[name],
    lab_ms: DEFAULT_TIMERS[name],
    factor: timerScale,
    meaning: timerMeaning(name),
  }));
}

/** Can a user be served: does every gateway have its fewest replicas on? */
export function readyView(state: ManagerState): { ready: boolean; reason: string } {
  for (const { name, kind, replicas } of state.graph.services) {
    if (replicas.min === 0) continue;
    let running = 0;
    for (const id of state.services.get(name)?.live ?? []) if (state.instances.get(id)?.status === 'on') running += 1;
    if (running < replicas.min)
      return {
        ready: false,
        reason: `${kind} ${name} has ${running} of ${replicas.min} instances on; ${state.agents.size} nodes known`,
      };
  }
  return { ready: true, reason: 'every service has its fewest replicas on' };
}

function instanceView(state: ManagerState, instance: Instance): View {
  const agent: Agent | undefined = state.agents.get(instance.agent);
  return {
    service_name: instance.service,
    service_instance_id: instance.id,
    version: instance.version,
    service_instance_network_address: instance.address,
    node: agent?.number ?? null,
    status: instance.status,
    pid: instance.pid,
    sockets: instance.sockets.map(({ socket, port }) => ({ name: socket, port })),
    sessions_in: instance.incoming.size,
    sessions_out: instance.outgoing.size,
    health: instance.health,
    load: instance.load,
    in_flight: instance.inFlight,
    requests: instance.requests,
    since: instance.since,
    reason: instance.reason,
  };
}

/** The sessions that ended, the longest ago first. */
function endedView(state: ManagerState): View[] {
  const { endedSessions, endedNext } = state;
  const inOrder: EndedSession[] = [...endedSessions.slice(endedNext), ...endedSessions.slice(0, endedNext)];
  return inOrder.map(({ session, code, reason }) => ({ ...sessionView(state, session, 'closed'), code, reason }));
}

function sessionView(state: ManagerState, session: Session, status: string): View {
  const serviceOf = (id: number): string | null => (state.instances.get(id) ?? state.ended.get(id))?.service ?? null;
  return {
    source_service_name: serviceOf(session.source),
    source_service_instance_id: session.source,
    source_service_instance_network_address: session.sourceAddress,
    source_plug_name: session.plug,
    source_plug_port: session.sourcePort,
    dest_service_name: serviceOf(session.dest),
    dest_service_instance_id: session.dest,
    dest_service_instance_network_address: session.destAddress,
    dest_socket_name: session.socket,
    dest_socket_port: session.destPort,
    dest_socket_new_port: session.destPort,
    status,
    key: session.key,
  };
}
