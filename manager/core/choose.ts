/**
 * Which instance a session gets.
 *
 * Lives here: what the balancing policy is shown, and when it need not be asked. Does not live here: the policies
 * (policy/balancing.ts), granting (dialogues/session.ts).
 *
 * Several sessions of one plug are there to reach several replicas, so a policy chooses among those that the source
 * does not reach yet, as long as there are any.
 */
import { SESSIONS_PER_PLUG_MAX } from './operations/rebalance.ts';
import { BALANCE } from './policy/balancing.ts';
import type { Instance, ManagerState, ServiceState } from './state.ts';

/** The ready instance that a session of `source` to a socket of `service` gets; null when none can have it. */
export function chooseInstance(
  state: ManagerState,
  service: ServiceState,
  source: Instance,
  socket: string,
): Instance | null {
  const policy = state.graph.policies.balancing;
  // While instances are replaced, some of them may lack the socket.
  const isPlain = policy === 'least-sessions' && !state.replacing.has(service.name);
  const chosen = isPlain ? leastLoaded(service, source) : byPolicy(state, service, source, socket);
  return chosen === null ? null : (state.instances.get(chosen) ?? null);
}

/** The default policy without looking at every instance. */
function leastLoaded(service: ServiceState, source: Instance): number | null {
  const first = service.ready.choose();
  if (first !== null && source.reaches.has(first))
    for (const id of service.ready.inOrder(SESSIONS_PER_PLUG_MAX)) if (!source.reaches.has(id)) return id;
  return first;
}

function byPolicy(state: ManagerState, service: ServiceState, source: Instance, socket: string): number | null {
  const able = service.ready.save().filter((id) => hasSocket(state.instances.get(id), socket));
  const unreached = able.filter((id) => !source.reaches.has(id));
  const ids = unreached.length > 0 ? unreached : able;
  if (ids.length === 0) return null;
  const candidates = ids.map((instance) => ({ instance, sessions: service.ready.loadOf(instance) ?? 0 }));
  const { lastChosen: last, choices } = service;
  return BALANCE[state.graph.policies.balancing]({ candidates, last, choices });
}

/** Does an instance listen on a socket? One that was started before a graph was applied may not. */
export function hasSocket(instance: Instance | undefined, socket: string): boolean {
  return instance?.sockets.some((setting) => setting.socket === socket) === true;
}
