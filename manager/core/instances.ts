/**
 * Instances: how one changes its status, and what follows when it ends.
 *
 * Lives here: the transitions of rulings' "States the Manager keeps", the ready index, the end of an
 * instance. Does not live here: the dialogues that lead there, and whether a replacement is started
 * (reconcile.ts).
 *
 *   planned → starting → on → draining → stopping → killing → off        unknown ⇄ on
 *
 * An instance is off only by a report of its death, by its agent's own list without it, or by the loss of
 * its node. Nothing here sends more than what tells its sessions' other ends.
 */
import { programOf } from '../../ssmmp/core/graph.ts';
import { RESTARTS_MAX } from '../../ssmmp/core/timers.ts';
import { consult } from './consult.ts';
import { askClose } from './dialogues/session-close.ts';
import { forgetService } from './operations/adopt.ts';
import { emptyCordonedNodes } from './operations/drain-node.ts';
import { forgetTold } from './operations/rebalance.ts';
import { reconcile } from './reconcile.ts';
import { releasePorts } from './ports.ts';
import { serveWaiting } from './dialogues/session.ts';
import { continueDrain } from './dialogues/shutdown.ts';
import { agentOf, ENDED_MAX, type Instance, type InstanceStatus, type ServiceState } from './state.ts';
import type { Turn } from './turn.ts';

/** The runtime record of a service of the graph (or of one that was in it while instances of it live). */
export function serviceOf(turn: Turn, name: string): ServiceState | null {
  return turn.state.services.get(name) ?? null;
}

/** `post/5`, as people write it. */
export function nameOf(instance: Instance): string {
  return `${instance.service}/${instance.id}`;
}

/** What it is called on the wire where it is named itself: its service, or `service.version`. */
export function programName({ service, version }: Instance): string {
  return programOf(service, version);
}

/** Gives an instance another status, keeps the ready index true, and tells the history. */
export function setStatus(turn: Turn, instance: Instance, status: InstanceStatus, reason: string | null = null): void {
  if (instance.status === status) return;
  const before = instance.status;
  instance.status = status;
  instance.since = turn.now;
  if (reason !== null) instance.reason = reason;
  turn.event('instance', `${nameOf(instance)} ${before} → ${status}${reason === null ? '' : `: ${reason}`}`, {
    service_instance_id: instance.id,
    service_name: instance.service,
    agent_network_address: instance.address,
    status,
    before,
  });
  // One that comes on where nothing is to stay goes before anything is given to it.
  if (status === 'on' && agentOf(turn.state, instance)?.cordoned === true) emptyCordonedNodes(turn);
  const wasReady = serviceOf(turn, instance.service)?.ready.has(instance.id) === true;
  refreshReady(turn, instance);
  if (wasReady && (status === 'draining' || status === 'off')) forgetTold(turn, instance.service);
}

/** May this instance be granted? Alive, not draining, its agent in contact, not overloaded, not just refused. */
export function isReady(turn: Turn, instance: Instance): boolean {
  return (
    instance.status === 'on' &&
    !instance.refused &&
    instance.health !== 199 &&
    agentOf(turn.state, instance)?.status === 'registered'
  );
}

/** Sessions and grants of an instance as a destination. */
export function loadOf(instance: Instance): number {
  return instance.incoming.size + instance.grantsIn.size;
}

/** Brings the ready index of its service up to date; an instance that becomes ready is given what waits. */
export function refreshReady(turn: Turn, instance: Instance): void {
  const service = serviceOf(turn, instance.service);
  if (service === null) return;
  if (!isReady(turn, instance)) {
    service.ready.delete(instance.id);
    return;
  }
  service.ready.set(instance.id, loadOf(instance));
  if (service.waiting.size > 0) serveWaiting(turn, service);
}

/** Only the load changed: cheaper than refreshReady, for every grant and every end of a session. */
export function refreshLoad(turn: Turn, instance: Instance): void {
  const service = serviceOf(turn, instance.service);
  if (service?.ready.has(instance.id) === true) service.ready.set(instance.id, loadOf(instance));
}

/** How an instance ended: by the Manager's wish, or by itself (a crash, an exit, a start that failed). */
export type End = 'asked' | 'unasked';

/**
 * The instance is proven dead: ports rest, grants fall, the other ends of its sessions are told (R31, R34),
 * and the service is brought back to its wanted replicas.
 */
export function endInstance(turn: Turn, instance: Instance, end: End, reason: string): void {
  const { state, now } = turn;
  if (instance.status === 'off') return;
  // Since it was planned: a restart of the Manager, or an agent that was away, is no new beginning.
  const ranMs = instance.status === 'planned' || instance.status === 'starting' ? 0 : now - instance.plannedAt;
  setStatus(turn, instance, 'off', reason);
  const ports = instance.sockets.map(({ port }) => port);
  releasePorts(state, instance.address, ports, instance.id, now);
  agentOf(state, instance)?.instances.delete(instance.id);
  turn.clear('hard', instance.id);
  const granted = [...instance.grantsOut].map((key) => state.instances.get(state.grants.get(key)?.dest ?? 0));
  for (const key of [...instance.grantsIn, ...instance.grantsOut]) dropGrant(turn, key);
  for (const dest of granted) if (dest?.status === 'draining') continueDrain(turn, dest);
  for (const key of instance.incoming) askClose(turn, key, 'source', `${nameOf(instance)} ended`);
  for (const key of instance.outgoing) askClose(turn, key, 'dest', `${nameOf(instance)} ended`);

  state.instances.delete(instance.id);
  state.ended.set(instance.id, instance);
  if (state.ended.size > ENDED_MAX) for (const oldest of state.ended.keys()) if (state.ended.delete(oldest)) break;

  const service = serviceOf(turn, instance.service);
  if (service === null) return;
  service.live.delete(instance.id);
  if (end === 'unasked') holdBack(turn, service, instance, ranMs, reason);
  reconcile(turn, service);
  forgetService(turn, service);
}

/** Notes that `source` has one session or grant more, or one less, with the instance `dest`. */
export function reach(source: Instance, dest: number, change: 1 | -1): void {
  const count = (source.reaches.get(dest) ?? 0) + change;
  if (count > 0) source.reaches.set(dest, count);
  else source.reaches.delete(dest);
}

/** Forgets a grant at both ends. */
export function dropGrant(turn: Turn, key: string): void {
  const { state } = turn;
  const grant = state.grants.get(key);
  if (grant === undefined) return;
  state.grants.delete(key);
  turn.clear('grant', key);
  const source = state.instances.get(grant.source);
  source?.grantsOut.delete(key);
  if (source !== undefined && grant.dest !== null) reach(source, grant.dest, -1);
  state.services.get(grant.destService)?.waiting.delete(key);
  const dest = grant.dest === null ? undefined : state.instances.get(grant.dest);
  if (dest?.grantsIn.delete(key) === true) refreshLoad(turn, dest);
}

/** After an early end: the restart policy says how long nothing is started, and whether that is a crash loop. */
function holdBack(turn: Turn, service: ServiceState, instance: Instance, ranMs: number, reason: string): void {
  const { now, state } = turn;
  const { restartFirstMs, restartMostMs, restartWindowMs } = state.timers;
  if (ranMs >= restartMostMs) {
    service.failures = [];
    service.crashLooping = false;
  }
  const limits = {
    firstMs: restartFirstMs,
    mostMs: restartMostMs,
    windowMs: restartWindowMs,
    restartsMax: RESTARTS_MAX,
  };
  const seen = { instance: instance.id, ranMs, reason, failures: service.failures, limits };
  const { waitMs, crashLooping = false, why } = consult(turn, 'restart', service, seen);
  service.failures = [...service.failures, now].slice(-2 * RESTARTS_MAX);
  service.holdUntil = now + waitMs;
  if (waitMs > 0) turn.deadline('hold', service.name, waitMs);
  if (why !== undefined)
    turn.event('service', `${service.name} waits ${waitMs} ms: ${why}`, { service_name: service.name });
  if (crashLooping && !service.crashLooping)
    turn.event(
      'service',
      `${service.name} is crash-looping: ${service.failures.length} early ends in a row; next try in ${waitMs} ms`,
      { service_name: service.name, status: 'crash-looping' },
    );
  service.crashLooping = crashLooping;
}
