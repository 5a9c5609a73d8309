/**
 * What the Manager knows.
 *
 * Lives here: the shape of the state, how it begins, how it becomes JSON and back. Does not live here: any
 * change to it (dialogues/ and the files beside this one). Everything is reached by a key: no message
 * costs more because there are more sessions.
 */
import type { Graph, GraphIndex } from '../../ssmmp/core/graph.ts';
import type { MessageType, PlugSetting, SocketSetting } from '../../ssmmp/core/catalog.ts';
import type { Json, PolicyKind } from '../../ssmmp/core/policy.ts';
import type { Timers } from '../../ssmmp/core/timers.ts';
import type { Deadlines } from '../../ssmmp/machine/deadlines.ts';
import type { ManagerSettings } from './inputs.ts';
import type { LeastLoaded } from './policy/least-loaded.ts';

/** States of an agent (rulings, "States the Manager keeps"). `unknown`: known from the journal, not yet back. */
export type AgentStatus = 'unknown' | 'registered' | 'suspect' | 'lost';

/** The life of an agent as the Manager sees it: from each status, those that may follow. */
export const AGENT_LIFE: Readonly<Record<AgentStatus, readonly AgentStatus[]>> = {
  unknown: ['registered', 'lost'],
  registered: ['registered', 'suspect'],
  suspect: ['registered', 'lost'],
  lost: ['registered'],
};

export interface Agent {
  /** Canonical address; with shared addresses `address#x_node` (R16). */
  readonly key: string;
  readonly address: string;
  /** The node's number, for people. */
  readonly number: number;
  xNode: string | null;
  status: AgentStatus;
  /** The connection it is registered on; null while it has none. */
  connection: number | null;
  repository: ReadonlySet<string>;
  /** Services of it that it answered 404, for their sockets and plugs are others; until it registers or the graph changes. */
  readonly refused: Set<string>;
  /** Since when its silence counts: anything came from it, a Manager gave it time to register, or the Manager trusted itself again. */
  lastHeard: number;
  /** Its last health: 200, 199 start nothing new, 503 draining. */
  health: number;
  /** An operator empties the node: nothing is started here until it is uncordoned. */
  cordoned: boolean;
  /** The live instances on it. */
  readonly instances: Set<number>;
}

/** A second registration of a held address waits here for the old connection's answer (R48). */
export interface Rival {
  readonly connection: number;
  readonly messageId: number;
  readonly repository: readonly string[];
  readonly xNode: string | null;
  readonly running: readonly number[] | null;
  readonly probeId: number;
}

export interface ConnectionInfo {
  readonly id: number;
  readonly address: string;
  agent: string | null;
  offences: number;
}

/** States of an instance (rulings). */
export type InstanceStatus = 'planned' | 'starting' | 'on' | 'draining' | 'stopping' | 'killing' | 'off' | 'unknown';

/** The life of an instance as the Manager sees it: from each status, those that may follow. */
export const INSTANCE_LIFE: Readonly<Record<InstanceStatus, readonly InstanceStatus[]>> = {
  planned: ['starting'],
  starting: ['on', 'killing', 'off'],
  on: ['draining', 'killing', 'unknown', 'off'],
  unknown: ['on', 'draining', 'killing', 'off'],
  draining: ['on', 'stopping', 'killing', 'off'],
  stopping: ['killing', 'off'],
  killing: ['off'],
  off: [],
};

export interface Instance {
  readonly id: number;
  readonly service: string;
  /** Null where its service has no versions. */
  readonly version: string | null;
  readonly agent: string;
  readonly address: string;
  status: InstanceStatus;
  /** Since when it is in this status. */
  since: number;
  readonly plannedAt: number;
  sockets: readonly SocketSetting[];
  readonly plugs: readonly PlugSetting[];
  portTries: number;
  pid: number | null;
  /** Last health status (R45), null before the first answer. */
  health: number | null;
  /** message_id of the last health request, when it left, and whether its answer is still awaited. */
  healthId: number;
  healthAt: number;
  healthAwaited: boolean;
  misses: number;
  load: number | null;
  inFlight: number | null;
  requests: number | null;
  /** `requests` when the scaling policy was asked last. */
  requestsSeen: number;
  /** A plug was refused here; no grants until its health is known again (R33). */
  refused: boolean;
  /** Keys of sessions in which it is the destination, the source. */
  readonly incoming: Set<string>;
  readonly outgoing: Set<string>;
  /** Keys of grants in which it is the destination, the source. */
  readonly grantsIn: Set<string>;
  readonly grantsOut: Set<string>;
  /** How many sessions and grants it has, as the source, with which instance. */
  readonly reaches: Map<number, number>;
  /** Why it goes or went, in words. */
  reason: string | null;
  /** When it was last given a session, or answered a request that its health told of (R35). */
  usedAt: number;
  /** It drains only because nobody used it: a request that comes in time keeps it (R35). */
  idle: boolean;
  /** Its service has not been rebalanced since it came. */
  fresh: boolean;
}

/** An instance on its way to another node. Key: the instance that goes. */
export interface Migration {
  readonly old: number;
  readonly service: string;
  /** The instance that takes over; null for a store, whose next owner starts when the old one is off. */
  readonly replacement: number | null;
  readonly reason: string;
  /** It goes because of its configuration, not to another place. */
  readonly isReplaced: boolean;
}

/** An operator's request that is answered when something has come true. */
export type Waiter =
  | { readonly what: 'off'; readonly instance: number; readonly name: string }
  | { readonly what: 'scaled'; readonly service: string; readonly replicas: number }
  | { readonly what: 'migrated'; readonly old: number; readonly service: string }
  | { readonly what: 'emptied'; readonly agent: string }
  | {
      readonly what: 'applied';
      /** Services to which something is done, those that go included. */
      readonly services: readonly string[];
      /** Sessions of removed edges that were asked to close. */
      readonly closing: string[];
      /** What the operator is told in the end. */
      readonly body: Readonly<Record<string, unknown>>;
    };

/** A requested or granted session before its acknowledgement. Key: `source instance/message_id` (R10). */
export interface Grant {
  readonly key: string;
  readonly source: number;
  readonly messageId: number;
  readonly plug: string;
  readonly socket: string;
  readonly destService: string;
  readonly requestedAt: number;
  status: 'requested' | 'granted' | 'unconfirmed';
  /** The instance granted; null while requested. */
  dest: number | null;
  destPort: number;
  /** The number of replicas the source was told of. */
  told: number;
  /** The part of the requests it was told this session is to carry; null (or missing in an old journal) where all are equal. */
  part?: number | null;
}

/** A session that is on. Key: `addr:port-addr:port` (R19). */
export interface Session {
  readonly key: string;
  readonly grant: string;
  readonly source: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly plug: string;
  readonly dest: number;
  readonly destAddress: string;
  readonly destPort: number;
  readonly socket: string;
  readonly openedAt: number;
  status: 'on' | 'closing';
  /** Which end was asked to close, when it is closing. */
  asked: 'source' | 'dest' | null;
  /** The number of replicas its source was told of when it was granted, or fewer: no more than there were since. */
  told: number;
  /** As in its grant. */
  part?: number | null;
  /** message_id of the last close request; an older one's silence means nothing. */
  request: number | null;
}

/** The record that a session ended; it takes the other end's report (R20, R42). */
export interface Tombstone {
  readonly key: string;
  /** The end whose report or answer is still expected. */
  readonly waits: 'source' | 'dest';
  /** The destination reported the end before the source acknowledged the start. */
  readonly early: boolean;
}

/** A session that ended, for listings. */
export interface EndedSession {
  readonly session: Session;
  readonly endedAt: number;
  readonly code: number | null;
  readonly reason: string;
}

/** A request of the Manager that waits for its response. */
export interface Exchange {
  readonly id: number;
  readonly type: MessageType;
  readonly connection: number;
  readonly instance: number;
  readonly session: string | null;
}

/** What runs of one service. */
export interface ServiceState {
  /** How many sessions it was given, and which instance got the last one; for the balancing policies. */
  choices: number;
  lastChosen: number;
  readonly name: string;
  /** How many replicas are wanted now: at least `floor`, more by demand or load. */
  desired: number;
  /** How many an operator or the graph wants at least; scaling by load does not go below. */
  floor: number;
  /** Where the next instance is to be started, once (a store that migrates). */
  prefer: string | null;
  /** What policies keep between two calls: by kind, and `kind/default` for the built-in one that steps in. */
  readonly memory: Map<string, Json>;
  /** When the scaling policy was asked last; 0 for never. */
  scaledAt: number;
  /** Instances that are not off. */
  readonly live: Set<number>;
  /** Instances that may be granted, by load. Derived. */
  readonly ready: LeastLoaded;
  /** Grants that wait for an instance, in order. */
  readonly waiting: Set<string>;
  /** Times of the last early ends, for the restart policy. */
  failures: number[];
  /** No start before this time; 0 for none. */
  holdUntil: number;
  crashLooping: boolean;
}

/** Ports of one address. */
export interface PortBook {
  /** Port to the instance that holds it. */
  readonly held: Map<number, number>;
  /** Port to the time it is free again (R21). */
  readonly quarantine: Map<number, number>;
  next: number;
}

/** The Manager suspects itself. */
export interface Doubt {
  readonly since: number;
  /** Keys of the agents that vanished, those that were lost before the doubt began too. */
  readonly vanished: string[];
  /** How many agents there were. */
  readonly known: number;
}

export interface ManagerState {
  settings: ManagerSettings;
  epoch: number;
  graph: Graph;
  /** The graph of the file at the last start; `graph` is another one when one was applied since. */
  startedWith: Graph;
  /** Derived from the graph. */
  index: GraphIndex;
  /** Derived from the settings. */
  timers: Timers;
  readonly agents: Map<string, Agent>;
  readonly rivals: Map<string, Rival>;
  readonly connections: Map<number, ConnectionInfo>;
  readonly services: Map<string, ServiceState>;
  readonly instances: Map<number, Instance>;
  /** Instances that are off, the last ENDED_MAX. */
  readonly ended: Map<number, Instance>;
  readonly grants: Map<string, Grant>;
  readonly sessions: Map<string, Session>;
  /** Key of a grant to the key of the session it became. */
  readonly sessionByGrant: Map<string, string>;
  readonly tombstones: Map<string, Tombstone>;
  /** The last ENDED_MAX, as a ring: `endedNext` is the place of the next. */
  readonly endedSessions: EndedSession[];
  endedNext: number;
  readonly exchanges: Map<number, Exchange>;
  readonly ports: Map<string, PortBook>;
  readonly migrations: Map<number, Migration>;
  /** Services with instances whose sockets or plugs are no longer the graph's, and when to look again. */
  readonly replacing: Map<string, number>;
  readonly waiters: Map<number, Waiter>;
  /** Policies in files that failed: when it was told last, and how often it happened since. */
  readonly policyTroubles: Map<PolicyKind, { toldAt: number; untold: number }>;
  deadlines: Deadlines;
  nextInstanceId: number;
  nextMessageId: number;
  nextEvent: number;
  lastConnection: number;
  /** The whole testbed stops: nothing is started any more. The operator's request that waits for it. */
  stopping: { request: number; readonly since: number } | null;
  startedAt: number;
  /** Too many nodes vanished together: none of them is replaced (self-doubt.ts). */
  doubt: Doubt | null;
  /**
   * A report of an agent came, and the journal need not be on the disk yet. With the next beat it must: a while later the agent
   * forgets what it reported (R43). Not saved: each start of a Manager flushes all that came before.
   */
  owesFlush: boolean;
}

/** Ended instances and sessions kept for `--all`. */
export const ENDED_MAX = 1000;
/** Session requests one instance may have under way; beyond it 429. */
export const REQUESTS_PER_INSTANCE_MAX = 1024;
/** Tombstones and unconfirmed grants kept at most; the oldest go first. */
export const TOMBSTONES_MAX = 200_000;

/** The highest connection number ever used; a shell counts on above it. */
export function lastConnection(state: ManagerState): number {
  return state.lastConnection;
}

/** Can an agent start instances of a service, as far as is known? */
export function offers(agent: Agent, service: string): boolean {
  return agent.repository.has(service) && !agent.refused.has(service);
}

/** The agent a key means. */
export function agentOf(state: ManagerState, instance: Instance): Agent | null {
  return state.agents.get(instance.agent) ?? null;
}
