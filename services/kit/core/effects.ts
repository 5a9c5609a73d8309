/**
 * Everything an instance's machine can cause.
 *
 * Lives here: the closed union of effects. Does not live here: how one is performed (services/kit/shell/perform.ts).
 */
import type { Side } from './inputs.ts';

export type InstanceEffect =
  /** Connect to the agent: `agent_connected` or `agent_closed` follows. */
  | { readonly kind: 'connect_agent' }
  | { readonly kind: 'close_agent'; readonly why: string }
  /** One line (without LF) to the agent. */
  | { readonly kind: 'send'; readonly line: string }
  /** Connect a plug, from this port of the instance's own address: `dialed` or `dial_failed` follows. */
  | {
      readonly kind: 'dial';
      readonly opening: number;
      readonly sourcePort: number;
      readonly destAddress: string;
      readonly destPort: number;
    }
  /** Forget a `dial`: no input about it any more. */
  | { readonly kind: 'abandon_dial'; readonly opening: number }
  /** The dialed connection is a session now: requests of this plug may take it; `part` as in Granted. */
  | {
      readonly kind: 'use_session';
      readonly opening: number;
      readonly plug: string;
      readonly key: string;
      readonly part?: number;
    }
  /** Spread the requests of this plug over so many sessions; it may have fewer, and more. */
  | { readonly kind: 'spread'; readonly plug: string; readonly sessions: number }
  /** Say `session_needed` if requests wait at this plug. */
  | { readonly kind: 'check_need'; readonly plug: string }
  /** No session for now, and why. `final`: there will be none, so what waits at this plug fails now, else at its deadline. */
  | {
      readonly kind: 'no_session';
      readonly plug: string;
      readonly why: string;
      readonly final: boolean;
      readonly retryAfterMs: number;
    }
  /** Tell how long a session of a plug has been idle: `idle_checked` follows. */
  | { readonly kind: 'check_idle'; readonly key: string }
  /** Take no new request on this session; `session_drained` follows when none is under way (at once, too). */
  | { readonly kind: 'drain'; readonly side: Side; readonly key: string }
  /** Close; what is under way is sent again by its plug. No input about this session follows. */
  | { readonly kind: 'close_session'; readonly side: Side; readonly key: string }
  /** Measure load and lag: `measured` follows. */
  | { readonly kind: 'measure' }
  /** Accept nothing new; drain and close the connections that are no sessions: `users_drained` follows. */
  | { readonly kind: 'stop_listening' }
  /** Close them now: they had their time. `users_drained` may or may not follow. */
  | { readonly kind: 'close_users' }
  /** Let the service flush and close its files: `service_stopped` follows. */
  | { readonly kind: 'stop_service' }
  /** Send what is written, then end the process. Nothing follows. */
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly text: string };
