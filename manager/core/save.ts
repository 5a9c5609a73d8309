/**
 * The Manager's state as JSON data and back, for snapshots and state hashes.
 *
 * Lives here: what is written, and how what is derived is made again. Does not live here: where it is kept.
 * Saving and loading must change nothing: a test replays from every snapshot.
 */
import { DEFAULT_POLICIES, indexGraph, type Graph } from '../../ssmmp/core/graph.ts';
import type { Json } from '../../ssmmp/core/policy.ts';
import { DEFAULT_TIMERS, scaledTimers } from '../../ssmmp/core/timers.ts';
import { FIRST_MESSAGE_ID } from '../../ssmmp/core/names.ts';
import { Deadlines } from '../../ssmmp/machine/deadlines.ts';
import type { ManagerSettings } from './inputs.ts';
import { loadOf } from './instances.ts';
import { LeastLoaded } from './policy/least-loaded.ts';
import type { Agent, Instance, ManagerState, PortBook, ServiceState } from './state.ts';

const EMPTY_GRAPH: Graph = {
  cnapp: '',
  alias: null,
  services: [],
  edges: [],
  policies: DEFAULT_POLICIES,
};
const NO_SETTINGS: ManagerSettings = {
  address: '127.0.0.1',
  cluster: '',
  timerScale: 1,
  strict: false,
  sharedAddress: false,
  portFirst: 54000,
  portLast: 55552,
};

/** The state before the first `manager_started`. */
export function initialManager(): ManagerState {
  return {
    settings: NO_SETTINGS,
    epoch: 0,
    graph: EMPTY_GRAPH,
    startedWith: EMPTY_GRAPH,
    index: indexGraph(EMPTY_GRAPH),
    timers: DEFAULT_TIMERS,
    agents: new Map(),
    rivals: new Map(),
    connections: new Map(),
    services: new Map(),
    instances: new Map(),
    ended: new Map(),
    grants: new Map(),
    sessions: new Map(),
    sessionByGrant: new Map(),
    tombstones: new Map(),
    endedSessions: [],
    endedNext: 0,
    exchanges: new Map(),
    ports: new Map(),
    migrations: new Map(),
    replacing: new Map(),
    waiters: new Map(),
    policyTroubles: new Map(),
    deadlines: new Deadlines(),
    nextInstanceId: 1,
    nextMessageId: FIRST_MESSAGE_ID.Manager,
    nextEvent: 1,
    lastConnection: 0,
    stopping: null,
    startedAt: 0,
    doubt: null,
    owesFlush: false,
  };
}

/** Sets and Maps become arrays; what is derived is left out. */
export function saveManager(state: ManagerState): unknown {
  const { index: _index, timers: _timers, deadlines, services, sessionByGrant: _byGrant, ports, ...others } = state;
  const { owesFlush: _owesFlush, ...rest } = others;
  return {
    ...(plain(rest) as object),
    deadlines: deadlines.save(),
    services: [...services.values()].map(({ ready, ...service }) => ({
      ...(plain(service) as object),
      ready: ready.save(),
    })),
    ports: [...ports].map(([address, book]) => [address, plain(book)]),
  };
}

/** The opposite of saveManager. The argument is JSON data that saveManager made. */
export function loadManager(saved: unknown): ManagerState {
  if (saved === null) return initialManager();
  const from = saved as Saved;
  const state: ManagerState = {
    // The order of fields is the order of initialManager, so that two equal states are the same text.
    ...initialManager(),
    ...(from as unknown as ManagerState),
    index: indexGraph(from.graph),
    timers: scaledTimers(from.settings.timerScale, from.settings.timerPreset),
    agents: byKey(from.agents.map(loadAgent), (agent) => agent.key),
    rivals: new Map(from.rivals as never),
    connections: new Map(from.connections as never),
    services: new Map(),
    instances: byKey(from.instances.map(loadInstance), (instance) => instance.id),
    ended: byKey(from.ended.map(loadInstance), (instance) => instance.id),
    grants: new Map(from.grants as never),
    sessions: new Map(from.sessions as never),
    sessionByGrant: new Map(),
    tombstones: new Map(from.tombstones as never),
    exchanges: new Map(from.exchanges as never),
    migrations: new Map(from.migrations as never),
    replacing: new Map(from.replacing ?? []),
    waiters: new Map(from.waiters as never),
    policyTroubles: new Map((from.policyTroubles ?? []) as never),
    ports: new Map(from.ports.map(([address, book]) => [address, loadBook(book)])),
    deadlines: Deadlines.load(from.deadlines),
  };
  for (const session of state.sessions.values()) state.sessionByGrant.set(session.grant, session.key);
  for (const { ready, ...saved } of from.services) {
    const { live, waiting } = saved;
    const service: ServiceState = {
      // Snapshots of older journals lack them.
      ...{ choices: 0, lastChosen: 0 },
      ...saved,
      scaledAt: saved.scaledAt ?? 0,
      memory: new Map((saved.memory ?? []) as unknown as [string, Json][]),
      live: new Set(live),
      waiting: new Set(waiting),
      ready: new LeastLoaded(),
    };
    for (const id of ready) {
      const instance = state.instances.get(id);
      if (instance !== undefined) service.ready.set(id, loadOf(instance));
    }
    state.services.set(service.name, service);
  }
  return state;
}

type Listed<T> = {
  [F in keyof T]: T[F] extends ReadonlySet<infer V>
    ? V[]
    : T[F] extends ReadonlyMap<infer K, infer V>
      ? [K, V][]
      : T[F];
};

interface Saved {
  settings: ManagerSettings;
  graph: Graph;
  agents: [string, Listed<Agent>][];
  rivals: unknown[];
  connections: unknown[];
  services: (Omit<Listed<ServiceState>, 'ready'> & { ready: number[] })[];
  instances: [number, Listed<Instance>][];
  ended: [number, Listed<Instance>][];
  grants: unknown[];
  sessions: unknown[];
  tombstones: unknown[];
  exchanges: unknown[];
  migrations: unknown[];
  replacing?: [string, number][];
  waiters: unknown[];
  policyTroubles?: unknown[];
  ports: [string, { held: [number, number][]; quarantine: [number, number][]; next: number }][];
  deadlines: [string, number][];
}

function loadAgent([, agent]: [string, Listed<Agent>]): Agent {
  return {
    ...agent,
    repository: new Set(agent.repository as unknown as string[]),
    // Snapshots of older journals lack it.
    refused: new Set(agent.refused ?? []),
    instances: new Set(agent.instances),
  };
}

function loadInstance([, instance]: [number, Listed<Instance>]): Instance {
  return {
    ...instance,
    // Snapshots of older journals lack them.
    version: instance.version ?? null,
    requestsSeen: instance.requestsSeen ?? 0,
    incoming: new Set(instance.incoming),
    outgoing: new Set(instance.outgoing),
    grantsIn: new Set(instance.grantsIn),
    grantsOut: new Set(instance.grantsOut),
    reaches: new Map(instance.reaches as [number, number][]),
  };
}

function loadBook(book: Saved['ports'][number][1]): PortBook {
  return { held: new Map(book.held), quarantine: new Map(book.quarantine), next: book.next };
}

function byKey<K, V>(values: V[], key: (value: V) => K): Map<K, V> {
  return new Map(values.map((value) => [key(value), value]));
}

function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Map) return Array.from(value, ([key, item]) => [key as unknown, plain(item)]);
  if (value instanceof Set) return [...(value as Set<unknown>)];
  if (Array.isArray(value)) return value.map(plain);
  // Copied whole, then looked through: nearly all of a large state are flat objects, its sessions (eight times as fast).
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const item = copy[key];
    if (item !== null && typeof item === 'object') copy[key] = plain(item);
  }
  return copy;
}
