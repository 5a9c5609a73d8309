/**
 * What an instance knows of its sessions, its agent and its end.
 *
 * Lives here: the shape of the state, how it begins, how it becomes JSON and back. Does not live here: any change to
 * it (dialogues/). Nothing of it is kept on disk: an instance that dies is replaced by another one with another id.
 */
import { scaledTimers, type Timers } from '../../../ssmmp/core/timers.ts';
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { FIRST_MESSAGE_ID } from '../../../ssmmp/core/names.ts';
import { Deadlines } from '../../../ssmmp/machine/deadlines.ts';
import type { InstanceSettings } from './arguments.ts';
import { firstSourcePort } from './ports.ts';

/** States of the connection to the agent. */
export type LinkStatus = 'idle' | 'connecting' | 'connected' | 'waiting';

/** The life of that connection: from each status, those that may follow. */
export const LINK_LIFE: Readonly<Record<LinkStatus, readonly LinkStatus[]>> = {
  idle: ['connecting'],
  connecting: ['connected', 'waiting'],
  connected: ['waiting'],
  waiting: ['connecting'],
};

/** The end of an instance: from each phase, those that may follow; `none`: it does not end. */
export const ENDING_LIFE: Readonly<Record<'none' | Ending['phase'], readonly Ending['phase'][]>> = {
  none: ['sockets'],
  sockets: ['plugs', 'service'],
  plugs: ['service'],
  service: ['over'],
  over: [],
};

/** A plug: what it is for, and how its last tries to get a session went. */
export interface PlugState {
  readonly plug: string;
  readonly socket: string;
  readonly service: string;
  /** A session is wanted but none could be asked for (no agent, or a pause between two tries). */
  needed: boolean;
  /** Tries that failed in a row. */
  failures: number;
  /** The destination crash-loops and is not tried before this time (x_retry_after); 0 where nothing is known. */
  heldUntil: number;
  /** Replicas of the destination that the last session_response told of (x_replicas); 1 where it told nothing. */
  replicas: number;
}

/** A session between request and acknowledgement. Its id is the message_id of the exchange. */
export interface Opening {
  readonly id: number;
  readonly plug: string;
  /** Null until it is granted. */
  granted: Granted | null;
}

export interface Granted {
  readonly destService: string;
  readonly destInstanceId: number | null;
  readonly destSocket: string;
  readonly destAddress: string;
  readonly destPort: number;
  /** The part of the plug's requests that the session is to carry, in thousandths (x_weight); missing where all are equal. */
  readonly part?: number;
  sourcePort: number;
  /** Source ports tried (R22). */
  portTries: number;
}

/** Why an end drains a session; the Manager's wish is answered, the others are reported (R42). */
export type CloseReason = 'idle' | 'Manager' | 'ending';

/** A session of a plug of ours. */
export interface SourceSession {
  readonly key: string;
  /** message_id of its exchange, for acknowledging it again (R39). */
  readonly id: number;
  readonly plug: string;
  readonly granted: Granted;
  closing: CloseReason | null;
  /** message_ids of the Manager's close requests. */
  asks: number[];
}

/** A session accepted on a socket of ours. The source's name and id are never known here. */
export interface DestSession {
  readonly key: string;
  readonly socket: string;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destPort: number;
  closing: CloseReason | null;
  asks: number[];
}

/** How far the end of the instance has come; the phases follow each other. */
export interface Ending {
  /** sockets: callers are answered and closed. plugs: own sessions are closed. service: files are closed. over: exit. */
  phase: 'sockets' | 'plugs' | 'service' | 'over';
  readonly why: string;
  usersDrained: boolean;
  /** message_ids of graceful_shutdown_requests; without one the end is by business logic and is reported. */
  asks: number[];
}

export interface InstanceState {
  readonly settings: InstanceSettings;
  readonly timers: Timers;
  link: LinkStatus;
  /** Tries to connect since it was last connected. */
  linkTries: number;
  /** Unreadable messages of this connection (R03). */
  offences: number;
  /** All sockets listen: hello may be said (R25). */
  listening: boolean;
  nextMessageId: number;
  nextSourcePort: number;
  readonly plugs: Map<string, PlugState>;
  readonly openings: Map<number, Opening>;
  /** message_ids of openings that were given up and may still be granted. */
  readonly abandoned: Set<number>;
  readonly sources: Map<string, SourceSession>;
  readonly dests: Map<string, DestSession>;
  /** Reports that wait for an agent (R43). */
  unsent: Message[];
  /** Reports that were written to the agent, which may end before the Manager has them: sent again after a reconnect. */
  sent: { readonly message: Message; readonly at: number }[];
  /** When the Manager last asked for our health, through the agent. */
  askedAt: number;
  /** Health requests that wait for a measurement: message_ids. */
  healthAsks: number[];
  ending: Ending | null;
  readonly deadlines: Deadlines;
}

/** The state of an instance that has just been started. */
export function initialState(settings: InstanceSettings): InstanceState {
  const plugs = settings.plugs.map(
    (setting) => [setting.plug, { ...setting, needed: false, failures: 0, heldUntil: 0, replicas: 1 }] as const,
  );
  return {
    settings,
    timers: scaledTimers(settings.timerScale, settings.timerPreset),
    link: 'idle',
    linkTries: 0,
    offences: 0,
    listening: false,
    nextMessageId: FIRST_MESSAGE_ID.instance,
    nextSourcePort: firstSourcePort(settings.instanceId),
    plugs: new Map(plugs),
    openings: new Map(),
    abandoned: new Set(),
    sources: new Map(),
    dests: new Map(),
    unsent: [],
    sent: [],
    askedAt: 0,
    healthAsks: [],
    ending: null,
    deadlines: new Deadlines(),
  };
}

interface Saved extends Omit<
  InstanceState,
  'timers' | 'plugs' | 'openings' | 'abandoned' | 'sources' | 'dests' | 'deadlines'
> {
  readonly plugs: readonly PlugState[];
  readonly openings: readonly Opening[];
  readonly abandoned: readonly number[];
  readonly sources: readonly SourceSession[];
  readonly dests: readonly DestSession[];
  readonly deadlines: readonly (readonly [string, number])[];
}

/** The state as JSON data. */
export function saveState(state: InstanceState): unknown {
  const { timers: _, ...rest } = state;
  return structuredCopy({
    ...rest,
    plugs: [...state.plugs.values()],
    openings: [...state.openings.values()],
    abandoned: [...state.abandoned],
    sources: [...state.sources.values()],
    dests: [...state.dests.values()],
    deadlines: state.deadlines.save(),
  } satisfies Saved);
}

export function loadState(saved: unknown): InstanceState {
  const copy = structuredCopy(saved) as Saved;
  return {
    ...copy,
    timers: scaledTimers(copy.settings.timerScale, copy.settings.timerPreset),
    plugs: new Map(copy.plugs.map((plug) => [plug.plug, plug])),
    openings: new Map(copy.openings.map((opening) => [opening.id, opening])),
    abandoned: new Set(copy.abandoned),
    sources: new Map(copy.sources.map((session) => [session.key, session])),
    dests: new Map(copy.dests.map((session) => [session.key, session])),
    deadlines: Deadlines.load(copy.deadlines),
  };
}

function structuredCopy(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data)) as unknown;
}
