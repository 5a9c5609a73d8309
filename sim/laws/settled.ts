/**
 * Liveness: some time after everything was healed the cluster is as it is wanted to be.
 *
 * Lives here: what is still missing, as a sentence. Does not live here: how long it may take (run.ts). Wanted is: the
 * desired replicas are on and nothing else runs; every session is known to the Manager and to both its ends; nothing
 * waits; every user was answered; no port is held by nobody.
 */
import type { ManagerState } from '../../manager/core/state.ts';
import type { InstanceProcess } from '../instance-process.ts';
import type { World } from '../world.ts';

/** What is not yet as it should be; null when the cluster has settled. */
export function unsettled(world: World): string | null {
  const { manager } = world;
  if (!manager.isAlive || !manager.isListening) return 'the Manager does not run';
  const { state } = manager;
  return (
    agentsMissing(world, state) ??
    servicesUnsettled(state) ??
    processesUnknown(world, state) ??
    sessionsApart(world, state) ??
    somethingWaits(world, state) ??
    portsAstray(world, state)
  );
}

/** What is left although nobody used the cluster for longer than every deadline; null when nothing is. */
export function leaked(world: World): string | null {
  const { state } = world.manager;
  if (state.tombstones.size > 0) return `${state.tombstones.size} tombstones are left`;
  if (state.grants.size > 0) return `${state.grants.size} grants are left`;
  if (state.sessions.size > 0) return `${state.sessions.size} sessions are left although no plug is used`;
  for (const { name, state: agent } of world.agents) {
    if (agent.requests.size > 0) return `${name} keeps ${agent.requests.size} requests`;
    if (agent.unidentified.size > 0) return `${name} has ${agent.unidentified.size} connections that are nobody’s`;
  }
  return null;
}

function agentsMissing(world: World, state: ManagerState): string | null {
  for (const { index, address } of world.nodes.slice(1)) {
    const agent = state.agents.get(address);
    if (agent?.status !== 'registered' || agent.connection === null) return `agent ${index} is not registered`;
  }
  return null;
}

function servicesUnsettled(state: ManagerState): string | null {
  if (state.migrations.size > 0) return `${state.migrations.size} migrations are under way`;
  for (const service of state.services.values()) {
    for (const id of service.live) {
      const status = state.instances.get(id)?.status;
      if (status !== 'on') return `${service.name}/${id} is ${status ?? 'gone'}`;
    }
    // One gateway a node: more than that wait for more nodes (R23).
    const isGateway = state.graph.services.some(({ name, kind }) => name === service.name && kind === 'gateway');
    const wanted = isGateway ? Math.min(service.desired, state.agents.size) : service.desired;
    if (service.live.size !== wanted)
      return `${service.name} has ${service.live.size} replicas, ${service.desired} are wanted`;
  }
  return null;
}

function processesUnknown(world: World, state: ManagerState): string | null {
  const seen = new Set<number>();
  for (const { name, settings, node, pid } of world.instances.values()) {
    const known = state.instances.get(settings.instanceId);
    if (known === undefined) return `process ${pid} on node ${node} is ${name}, which the Manager does not know`;
    if (seen.has(settings.instanceId)) return `${name} has two processes`;
    seen.add(settings.instanceId);
  }
  for (const { id, service } of state.instances.values()) if (!seen.has(id)) return `${service}/${id} has no process`;
  return null;
}

function sessionsApart(world: World, state: ManagerState): string | null {
  const byId = new Map<number, InstanceProcess>();
  for (const process of world.instances.values()) byId.set(process.settings.instanceId, process);
  for (const session of state.sessions.values()) {
    if (session.status !== 'on') return `session ${session.key} is closing`;
    if (byId.get(session.source)?.state.sources.has(session.key) !== true)
      return `session ${session.key} is on, and its source ${session.source} does not have it`;
    if (byId.get(session.dest)?.state.dests.has(session.key) !== true)
      return `session ${session.key} is on, and its destination ${session.dest} does not have it`;
  }
  for (const { name, state: own } of byId.values()) {
    for (const key of own.sources.keys())
      if (!state.sessions.has(key)) return `${name} has ${key}, which the Manager does not know`;
    for (const key of own.dests.keys())
      if (!state.sessions.has(key)) return `${name} accepted ${key}, which the Manager does not know`;
  }
  return null;
}

function somethingWaits(world: World, state: ManagerState): string | null {
  for (const { key, status } of state.grants.values()) if (status !== 'unconfirmed') return `grant ${key} is ${status}`;
  for (const [request, { what }] of state.waiters)
    // One that wants more gateways than there are nodes waits for nodes.
    if (what !== 'scaled') return `the operator's request ${request} (${what}) is not answered`;
  for (const { name, state: own, data } of world.instances.values()) {
    if (own.link !== 'connected') return `${name} has no agent`;
    if (own.openings.size > 0) return `${name} opens ${own.openings.size} sessions`;
    for (const plug of data.plugs.values())
      if (plug.waiting.length > 0) return `${plug.waiting.length} requests wait at ${name} ${plug.name}`;
  }
  if (world.users.waiting > 0) return `${world.users.waiting} users wait for an answer`;
  return null;
}

function portsAstray(world: World, state: ManagerState): string | null {
  for (const [address, { held }] of state.ports)
    for (const [port, id] of held)
      if (!state.instances.has(id)) return `${address}:${port} is held by ${id}, which is off`;
  for (const { index, listeners } of world.nodes)
    for (const [port, pid] of listeners)
      if (!world.processes.has(pid)) return `node ${index}: port ${port} is nobody’s`;
  return null;
}
