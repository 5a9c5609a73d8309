/**
 * Draining a node: everything on it goes elsewhere, and then it is safe to switch it off.
 *
 * Lives here: what goes where, and the refusal when it cannot. Does not live here: one migration (migrate.ts).
 */
import { viewOf } from '../../../ssmmp/core/graph.ts';
import { drainInstance } from '../dialogues/shutdown.ts';
import { loadOf, nameOf, serviceOf } from '../instances.ts';
import { anyPlace, choosePlace } from '../placing.ts';
import { countsAsReplica, reconcileAll, replicasOf } from '../reconcile.ts';
import type { Agent, Instance, ServiceState } from '../state.ts';
import type { Turn } from '../turn.ts';
import { findNode } from './find.ts';
import { beginMigration } from './migrate.ts';

/** `ssmmp drain NODE`: answered when no instance is left there. */
export function drainNode(turn: Turn, request: number, text: string, dryRun: boolean): void {
  const { state } = turn;
  const agent = findNode(state, text);
  if (agent === null)
    return turn.reply(request, 404, {
      status: 404,
      message: `no node '${text}'; 'ssmmp get nodes' lists them`,
      data: { node: text },
    });
  const stuck = [...agent.instances]
    .map((id) => state.instances.get(id))
    .find((instance) => instance !== undefined && fateOf(turn, agent, instance) === 'stuck');
  if (stuck !== undefined) {
    const message = `node ${agent.address} cannot be emptied: no other node can run ${nameOf(stuck)}`;
    return turn.reply(request, 409, { status: 409, message, data: { service_instance_id: stuck.id } });
  }
  if (dryRun) return turn.reply(request, 200, { dry_run: true, steps: steps(turn, agent) });
  turn.event('command', `operator drains node ${agent.address}`, { agent_network_address: agent.address });
  agent.cordoned = true;
  state.waiters.set(request, { what: 'emptied', agent: agent.key });
  emptyNode(turn, agent);
}

/** `ssmmp uncordon NODE`: it is used again. */
export function uncordon(turn: Turn, request: number, text: string): void {
  const agent = findNode(turn.state, text);
  if (agent === null)
    return turn.reply(request, 404, {
      status: 404,
      message: `no node '${text}'; 'ssmmp get nodes' lists them`,
      data: { node: text },
    });
  agent.cordoned = false;
  turn.event('command', `operator takes node ${agent.address} back`, { agent_network_address: agent.address });
  turn.reply(request, 200, { agent_network_address: agent.address, node: agent.number, status: agent.status });
  reconcileAll(turn);
}

/** After each step: what came up on a cordoned node meanwhile, or could not go before, goes now. */
export function emptyCordonedNodes(turn: Turn): void {
  for (const waiter of turn.state.waiters.values()) {
    const agent = waiter.what === 'emptied' ? turn.state.agents.get(waiter.agent) : undefined;
    if (agent !== undefined && agent.instances.size > 0) emptyNode(turn, agent);
  }
}

function emptyNode(turn: Turn, agent: Agent): void {
  for (const id of [...agent.instances]) {
    const instance = turn.state.instances.get(id);
    if (instance === undefined || instance.status !== 'on' || turn.state.migrations.has(id)) continue;
    const fate = fateOf(turn, agent, instance);
    const reason = `node ${agent.address} is drained`;
    if (fate === 'migrate') beginMigration(turn, instance, null, reason);
    else if (fate === 'stop') {
      const service = serviceOf(turn, instance.service);
      if (service !== null && isOneFewerWanted(turn, agent, instance, service))
        service.desired = Math.max(service.floor, service.desired - 1);
      drainInstance(turn, instance, reason);
    }
  }
}

/**
 * Is one fewer wanted once this one has gone? Where the others elsewhere are enough, nothing changes; nor where there is one more
 * than wanted, because this one was to take the place of another here.
 */
function isOneFewerWanted(turn: Turn, agent: Agent, instance: Instance, service: ServiceState): boolean {
  return othersOf(turn, agent, instance) < service.desired && replicasOf(turn, service) <= service.desired;
}

/** `stop`: not needed elsewhere; `migrate`: needed, and a node can take it; `stuck`: needed, and none can. */
function fateOf(turn: Turn, agent: Agent, instance: Instance): 'stop' | 'migrate' | 'stuck' {
  const service = serviceOf(turn, instance.service);
  if (service === null || !countsAsReplica(turn, instance)) return 'stop';
  const min = viewOf(turn.state.index, instance.service)?.service.replicas.min ?? 0;
  const others = othersOf(turn, agent, instance);
  if (instance.version === null || othersOf(turn, agent, instance, instance.version) > 0)
    if (others >= service.desired || (others >= Math.max(min, service.floor) && loadOf(instance) === 0)) return 'stop';
  return anyPlace(turn, service, { not: agent.key, version: instance.version }) === null ? 'stuck' : 'migrate';
}

/** Replicas of its service on other nodes. */
function othersOf(turn: Turn, agent: Agent, instance: Instance, version?: string): number {
  let others = 0;
  for (const id of serviceOf(turn, instance.service)?.live ?? []) {
    const other = turn.state.instances.get(id);
    if (version !== undefined && other?.version !== version) continue;
    if (other !== undefined && other.agent !== agent.key && countsAsReplica(turn, other)) others += 1;
  }
  return others;
}

function placeOf(turn: Turn, agent: Agent, service: ServiceState, { version }: Instance): string | undefined {
  const place = choosePlace(turn, service, { not: agent.key, version }, true);
  return turn.state.agents.get(place ?? '')?.address;
}

function steps(turn: Turn, agent: Agent): Record<string, unknown>[] {
  return [...agent.instances].flatMap((id) => {
    const instance = turn.state.instances.get(id);
    const service = instance === undefined ? null : serviceOf(turn, instance.service);
    if (instance === undefined || service === null) return [];
    const migrates = fateOf(turn, agent, instance) === 'migrate';
    const to = migrates ? placeOf(turn, agent, service, instance) : null;
    const wanted = service.desired === 1 ? '1 replica is wanted' : `${service.desired} replicas are wanted`;
    const why = migrates ? wanted : 'enough run elsewhere, or nobody uses it';
    return [
      {
        action: migrates ? 'migrate' : 'drain',
        instance: nameOf(instance),
        agent_network_address: instance.address,
        to,
        why,
      },
    ];
  });
}
