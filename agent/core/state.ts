/**
 * What an agent knows.
 *
 * Lives here: the shape of the state, how it begins, how it becomes JSON and back. Does not live here: any
 * change to it (dialogues/ and the files beside this one). Everything is reached by a key: no message costs
 * more because there are more instances.
 */
import type { Message, MessageType, SocketSetting } from '../../ssmmp/core/catalog.ts';
import { scaledTimers, type Timers } from '../../ssmmp/core/timers.ts';
import { Deadlines } from '../../ssmmp/machine/deadlines.ts';
import type { AgentSettings } from './inputs.ts';

/**
 * States of the link to the Manager. `checking`: children are looked for first (R47); `waiting`: for the next
 * try; `registering`: the request is out; `ended`: for good.
 */
export type LinkStatus = 'checking' | 'waiting' | 'connecting' | 'registering' | 'registered' | 'ended';

/** The life of the link: from each status, those that may follow. */
export const LINK_LIFE: Readonly<Record<LinkStatus, readonly LinkStatus[]>> = {
  checking: ['connecting', 'ended'],
  waiting: ['connecting', 'ended'],
  connecting: ['registering', 'waiting', 'ended'],
  registering: ['registered', 'waiting', 'ended'],
  registered: ['waiting', 'ended'],
  ended: [],
};

export interface Link {
  status: LinkStatus;
  /** The connection to the Manager; null while there is none. */
  connection: number | null;
  /** message_id of the initiation_request that is out. */
  requestId: number;
  /** Tries since the last registration; the wait grows with them. */
  attempts: number;
  /** When the Manager was last heard on this connection. */
  heardAt: number;
  /** It asks for the agent's health, so its silence says something. */
  asksForHealth: boolean;
  offences: number;
  /** What people were last told about not being registered: one line for an absence, not twenty a second. */
  told: string;
}

/**
 * States of an instance as its agent sees it. `checking`: after an agent's restart, is it still there;
 * `probing`: its ports are tried; `starting`: it runs and is not ready; `stopping`: asked to end; `killing`:
 * SIGKILL is out; `ended`: the process is gone, its last messages may still be read.
 */
export type InstanceStatus = 'checking' | 'probing' | 'starting' | 'ready' | 'stopping' | 'killing' | 'ended';

/** The whole life of an instance: from each state, the states that may follow. After those, it is forgotten. */
export const LIFE: Readonly<Record<InstanceStatus, readonly InstanceStatus[]>> = {
  checking: ['starting', 'ready'],
  probing: ['starting'],
  starting: ['ready', 'stopping', 'killing', 'ended'],
  ready: ['stopping', 'killing', 'ended'],
  stopping: ['ready', 'killing', 'ended'],
  killing: ['ended'],
  ended: [],
};

export interface Instance {
  readonly id: number;
  readonly run: number;
  readonly service: string;
  readonly sockets: readonly SocketSetting[];
  /** What its process is started with; null when it was started in an earlier life of the agent. */
  readonly launch: Launch | null;
  status: InstanceStatus;
  /** It has been ready. */
  ready: boolean;
  pid: number | null;
  startTime: string | null;
  /** The one connection that may speak for it; null while it has none. */
  connection: number | null;
  /** Ready, and found so by probing: it has never named itself (R26). */
  mute: boolean;
  /** The Manager was told at this registration that it runs. */
  listed: boolean;
  /** message_ids of the Manager's requests that its start, its graceful end, its hard end will answer. */
  starters: number[];
  stoppers: number[];
  killers: number[];
  /** What a failed start is answered with: 500 ended early, 504 not ready in time. */
  startFailure: 500 | 504;
  /** Its own termination info, kept until it is gone (R30). */
  lastWords: Message<'service_instance_termination_info'> | null;
  end: { readonly code: number | null; readonly signal: string | null } | null;
  /** Messages that wait for it to connect again, each until a time. */
  held: Held[];
  /** message_ids of its session requests that are unanswered. */
  requests: number[];
}

/** The five arguments and the whole environment of a process. */
export interface Launch {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A message for an instance that has no connection now. */
export interface Held {
  readonly message: Message;
  readonly until: number;
}

/** A connection to the instances' port. */
export interface Connection {
  readonly id: number;
  readonly address: string;
  /** Who it was found to be (R25); null while it is nobody. */
  instance: number | null;
  offences: number;
  /** It named an instance that does not run here, and was asked to end: what it says is not taken. */
  isSentAway: boolean;
}

/** A session_request that the Manager has not answered. Key: `instance/message_id` (R10). */
export interface PendingRequest {
  readonly instance: number;
  readonly message: Message<'session_request'>;
}

/** A request of the Manager that an instance has not answered. Key: `connection/message_id` (R29). */
export interface Asked {
  readonly instance: number;
  readonly connection: number;
  readonly message: Message;
  readonly response: MessageType;
  readonly until: number;
}

/** A report for the Manager: kept while there is none, and a while after it was sent. */
export interface Report {
  readonly message: Message;
  sentAt: number | null;
}

export interface AgentState {
  /** Null before `agent_started`. */
  settings: AgentSettings | null;
  /** Derived from the settings. */
  timers: Timers;
  readonly link: Link;
  /** The cluster and its highest epoch seen (R51). */
  cluster: string | null;
  epoch: number;
  /** Is it known what runs here? Not when the state file was lost (R47). */
  childrenKnown: boolean;
  readonly instances: Map<number, Instance>;
  /** Ids that had a process, or may have had one in an earlier life of this agent: none is started again (R12, R28). */
  readonly spent: Set<number>;
  readonly connections: Map<number, Connection>;
  /** Connections that are nobody, oldest first. */
  readonly unidentified: Set<number>;
  readonly requests: Map<string, PendingRequest>;
  readonly asked: Map<string, Asked>;
  reports: Report[];
  deadlines: Deadlines;
  nextMessageId: number;
  nextRun: number;
  /** State of the jitter's generator. */
  jitter: number;
  /** SIGTERM came: everything ends. */
  stopping: boolean;
}

export function newAgentState(): AgentState {
  return {
    settings: null,
    timers: scaledTimers(1),
    link: {
      status: 'checking',
      connection: null,
      requestId: 0,
      attempts: 0,
      heardAt: 0,
      asksForHealth: false,
      offences: 0,
      told: '',
    },
    cluster: null,
    epoch: 0,
    childrenKnown: false,
    instances: new Map(),
    spent: new Set(),
    connections: new Map(),
    unidentified: new Set(),
    requests: new Map(),
    asked: new Map(),
    reports: [],
    deadlines: new Deadlines(),
    nextMessageId: 1,
    nextRun: 1,
    jitter: 1,
    stopping: false,
  };
}

const MAPS = ['instances', 'connections', 'requests', 'asked'] as const;
const SETS = ['unidentified', 'spent'] as const;

/** The state as JSON data. */
export function saveAgentState(state: AgentState): unknown {
  const saved: Record<string, unknown> = { ...state, deadlines: state.deadlines.save() };
  delete saved['timers'];
  for (const name of MAPS) saved[name] = [...state[name]];
  for (const name of SETS) saved[name] = [...state[name]];
  return structuredCopy(saved);
}

/** Takes what `saveAgentState` made. */
export function loadAgentState(saved: unknown): AgentState {
  const data = structuredCopy(saved) as Record<string, unknown>;
  for (const name of MAPS) data[name] = new Map(data[name] as [unknown, unknown][]);
  for (const name of SETS) data[name] = new Set(data[name] as number[]);
  data['deadlines'] = Deadlines.load(data['deadlines'] as [string, number][]);
  const state = data as unknown as AgentState;
  state.timers = scaledTimers(state.settings?.timerScale ?? 1, state.settings?.timerPreset);
  return state;
}

function structuredCopy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
