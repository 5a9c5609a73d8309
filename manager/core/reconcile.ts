/**
 * Reconcile: what runs against what is wanted, for one service.
 *
 * Lives here: when another instance is started, and what is told to requests that no instance can serve.
 * Does not live here: how one is started (dialogues/execution.ts), where (policy/placement.ts).
 */
import { viewOf } from '../../ssmmp/core/graph.ts';
import { startInstance } from './dialogues/execution.ts';
import { answerWaiting } from './dialogues/session.ts';
import { offers, type Instance, type ServiceState } from './state.ts';
import type { Turn } from './turn.ts';
import { missingReplicas } from './versions.ts';

/** Does this instance count as a replica: running, or on its way? A lost node's does not. */
export function countsAsReplica(turn: Turn, instance: Instance): boolean {
  switch (instance.status) {
    case 'on':
      return true;
    // One that was starting when its node was lost will not be heard of either.
    case 'planned':
    case 'starting':
    case 'unknown':
      return turn.state.agents.get(instance.agent)?.status !== 'lost';
    case 'draining':
    case 'stopping':
    case 'killing':
    case 'off':
      return false;
  }
}

/** How many replicas of a service run or are on their way. */
export function replicasOf(turn: Turn, service: ServiceState): number {
  let count = 0;
  for (const id of service.live) {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined && countsAsReplica(turn, instance)) count += 1;
  }
  return count;
}

/** Starts what is missing. Does nothing while the testbed stops or the service is held back. */
export function reconcile(turn: Turn, service: ServiceState): void {
  const { state, now } = turn;
  if (state.stopping !== null) return;
  if (service.waiting.size > 0 && service.desired === 0) service.desired = 1;
  if (service.holdUntil > now) {
    if (service.crashLooping && replicasOf(turn, service) === 0)
      answerWaiting(turn, service, 503, service.holdUntil - now);
    return;
  }
  startMissing(turn, service);
  if (service.waiting.size > 0 && replicasOf(turn, service) === 0 && !mayBeServedLater(turn, service))
    answerWaiting(turn, service, 503);
}

function startMissing(turn: Turn, service: ServiceState): void {
  const view = viewOf(turn.state.index, service.name);
  if (view === null) return;
  if (view.service.versions === undefined) {
    // What is to be replaced counts too: it goes when the next one has come (operations/replace.ts).
    for (let replicas = replicasOf(turn, service); replicas < service.desired; replicas += 1)
      if (startInstance(turn, service) === null) return;
    return;
  }
  const impossible = new Set<string | null>();
  for (const version of missingReplicas(turn, service, view.service, service.desired))
    if (!impossible.has(version) && startInstance(turn, service, { version }) === null) impossible.add(version);
}

/** Reconciles every service; after a registration, when what could not be placed may be now. */
export function reconcileAll(turn: Turn): void {
  for (const service of turn.state.services.values()) reconcile(turn, service);
}

/** May a node that is away come back and run the service, or does an instance of it still go? */
function mayBeServedLater(turn: Turn, service: ServiceState): boolean {
  if (service.live.size > 0) return true;
  for (const agent of turn.state.agents.values())
    if (offers(agent, service.name) && (agent.status === 'unknown' || agent.status === 'suspect')) return true;
  return false;
}
