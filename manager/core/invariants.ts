/**
 * What is true of the Manager's state after every step.
 *
 * Lives here: named predicates over the state, used by tests, fuzzers and simulation. Does not live here:
 * any repair: a broken invariant is a bug. Each predicate returns what is wrong as a sentence, or null.
 */
import { isEdge, viewOf } from '../../ssmmp/core/graph.ts';
import { isReady, loadOf } from './instances.ts';
import { outdatedBy } from './operations/replace.ts';
import { TOMBSTONES_MAX, type Instance, type ManagerState } from './state.ts';
import { Turn } from './turn.ts';

export type Invariant = (state: ManagerState) => string | null;

/** Every invariant by name. */
export const INVARIANTS: Readonly<Record<string, Invariant>> = {
  'ids are never reused': (state) =>
    firstOf(state.instances.values(), ({ id }) =>
      id >= state.nextInstanceId || state.ended.has(id) ? `instance ${id}` : null,
    ),

  'no grant to an instance that is not ready': (state) => {
    const turn = new Turn(state, 0);
    return firstOf(state.services.values(), (service) =>
      firstOf(service.ready.save(), (id) => {
        const instance = state.instances.get(id);
        if (instance === undefined || !isReady(turn, instance))
          return `${service.name}/${id} is in the index and not ready`;
        return null;
      }),
    );
  },

  'every ready instance can be chosen': (state) => {
    const turn = new Turn(state, 0);
    return firstOf(state.instances.values(), (instance) =>
      isReady(turn, instance) && state.services.get(instance.service)?.ready.has(instance.id) !== true
        ? `${instance.service}/${instance.id} is ready and not in the index`
        : null,
    );
  },

  'the index knows the load': (state) =>
    firstOf(state.services.values(), (service) =>
      firstOf(service.ready.save(), (id) => {
        const instance = state.instances.get(id);
        return instance !== undefined && service.ready.loadOf(id) !== loadOf(instance) ? `${service.name}/${id}` : null;
      }),
    ),

  'nothing waits while an instance is ready': (state) =>
    firstOf(state.services.values(), (service) => {
      if (service.waiting.size === 0 || service.ready.choose() === null) return null;
      const reachable = [...service.waiting].filter((key) => {
        const grant = state.grants.get(key);
        const source = state.instances.get(grant?.source ?? 0);
        // An instance that is older than the graph may lack the socket; it is replaced.
        const isOffered = [...service.ready.ids()].some((id) =>
          state.instances.get(id)?.sockets.some(({ socket }) => socket === grant?.socket),
        );
        if (!isOffered) return false;
        return source !== undefined && state.agents.get(source.agent)?.connection != null;
      });
      return reachable.length > 0 ? `${reachable[0]} waits for ${service.name}` : null;
    }),

  'sessions have two live ends that know them': (state) =>
    firstOf(state.sessions.values(), (session) => {
      const source = state.instances.get(session.source);
      const dest = state.instances.get(session.dest);
      if (source === undefined && dest === undefined) return `${session.key} has no end`;
      if ((source === undefined || dest === undefined) && session.status !== 'closing')
        return `${session.key} is on with one end`;
      if (source?.outgoing.has(session.key) === false) return `${session.key} unknown to its source`;
      return dest?.incoming.has(session.key) === false ? `${session.key} unknown to its destination` : null;
    }),

  'a source knows whom it reaches': (state) =>
    firstOf(state.instances.values(), (source) => {
      const counts = new Map<number, number>();
      for (const key of source.outgoing) {
        const dest = state.sessions.get(key)?.dest ?? 0;
        counts.set(dest, (counts.get(dest) ?? 0) + 1);
      }
      for (const key of source.grantsOut) {
        const dest = state.grants.get(key)?.dest ?? null;
        if (dest !== null) counts.set(dest, (counts.get(dest) ?? 0) + 1);
      }
      const same = counts.size === source.reaches.size && [...counts].every(([id, n]) => source.reaches.get(id) === n);
      return same ? null : `${source.service}/${source.id}`;
    }),

  'every session is an edge, or it closes as soon as an end is in contact': (state) =>
    firstOf(state.sessions.values(), (session) => {
      const source = state.instances.get(session.source);
      const dest = state.instances.get(session.dest);
      if (source === undefined || dest === undefined || session.status === 'closing') return null;
      if (isEdge(state.index, source.service, session.plug, session.socket, dest.service)) return null;
      const isInContact = [source, dest].some(({ agent }) => state.agents.get(agent)?.connection != null);
      return isInContact ? session.key : null;
    }),

  'nobody waits for what is no edge': (state) =>
    firstOf(state.grants.values(), ({ key, status, source, plug, socket, destService }) => {
      const service = state.instances.get(source)?.service;
      if (status !== 'requested' || service === undefined) return null;
      return isEdge(state.index, service, plug, socket, destService) ? null : key;
    }),

  'what the graph does not have goes': (state) =>
    firstOf(state.services.values(), (service) => {
      if (viewOf(state.index, service.name) !== null) return null;
      if (service.live.size === 0 || service.desired > 0 || service.waiting.size > 0) return service.name;
      return firstOf(service.live, (id) => {
        const status = state.instances.get(id)?.status;
        return status === 'draining' || status === 'stopping' || status === 'killing' ? null : `${service.name}/${id}`;
      });
    }),

  'an instance with other sockets or plugs than the graph’s is replaced': (state) =>
    firstOf(state.instances.values(), (instance) => {
      const view = viewOf(state.index, instance.service);
      if (view === null || instance.status !== 'on' || state.replacing.has(instance.service)) return null;
      const [wrong] = outdatedBy(view, instance);
      return wrong === undefined ? null : `${instance.service}/${instance.id}: ${wrong}`;
    }),

  'a closing session has a deadline': (state) =>
    firstOf(state.sessions.values(), ({ key, status, request }) =>
      status === 'closing' && (request === null || !state.exchanges.has(request)) ? key : null,
    ),

  'every exchange ends in a response or a deadline': (state) =>
    firstOf(state.exchanges.keys(), (id) => (state.deadlines.has(`exchange/${id}`) ? null : `exchange ${id}`)),

  'every grant and tombstone has a deadline': (state) =>
    firstOf(state.grants.keys(), (key) => (state.deadlines.has(`grant/${key}`) ? null : `grant ${key}`)) ??
    firstOf(state.tombstones.keys(), (key) => (state.deadlines.has(`tombstone/${key}`) ? null : `tombstone ${key}`)),

  'at most one writer a store': (state) =>
    firstOf(state.graph.services, ({ name, kind }) => {
      if (kind !== 'baas') return null;
      const owners = [...(state.services.get(name)?.live ?? [])]
        .map((id) => state.instances.get(id) as Instance)
        .filter(
          ({ status }) => status === 'planned' || status === 'starting' || status === 'on' || status === 'unknown',
        )
        .filter((instance) => state.agents.get(instance.agent)?.status !== 'lost');
      return owners.length > 1 ? `${name} has ${owners.length} instances` : null;
    }),

  'ports are held by live instances, one each': (state) =>
    firstOf(state.ports, ([address, book]) =>
      firstOf(book.held, ([port, id]) => {
        const instance = state.instances.get(id);
        const holds = instance?.address === address && instance.sockets.some((socket) => socket.port === port);
        return holds ? null : `${address}:${port} is held by ${id}`;
      }),
    ),

  'nodes know their instances': (state) =>
    firstOf(state.instances.values(), ({ id, agent }) =>
      state.agents.get(agent)?.instances.has(id) === true ? null : `${agent} does not know ${id}`,
    ) ??
    firstOf(state.agents.values(), ({ key, instances }) =>
      firstOf(instances, (id) => (state.instances.get(id)?.agent === key ? null : `${key} knows ${id}`)),
    ),

  'tables are bounded': (state) =>
    state.tombstones.size > TOMBSTONES_MAX ? `${state.tombstones.size} tombstones` : null,
};

/** The first broken invariant as `name: what`, or null. */
export function brokenInvariant(state: ManagerState): string | null {
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    const wrong = invariant(state);
    if (wrong !== null) return `${name}: ${wrong}`;
  }
  return null;
}

function firstOf<T>(items: Iterable<T>, wrong: (item: T) => string | null): string | null {
  for (const item of items) {
    const sentence = wrong(item);
    if (sentence !== null) return sentence;
  }
  return null;
}
