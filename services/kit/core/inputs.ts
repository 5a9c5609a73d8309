/**
 * Everything that can happen to an instance.
 *
 * Lives here: the closed union of inputs. Does not live here: what follows from one (step.ts, dialogues/). Messages of
 * SSMMP come as the raw line, so that a recording shows what was on the wire. Requests of users are no inputs: the
 * machine sets sessions up and takes them down, the bytes in between are the shell's.
 */

/** Which end of a session: the plug that opened it, or the socket that accepted it. */
export type Side = 'source' | 'dest';

export type InstanceInput =
  /** The process is up: connect to the agent. The first input. */
  | { readonly kind: 'started'; readonly at: number }
  /** Every configured socket listens. */
  | { readonly kind: 'listening'; readonly at: number }
  | { readonly kind: 'agent_connected'; readonly at: number }
  /** The connection to the agent broke, or a try failed. `jitter`: chance, from 0 to 1, of the shell's drawing. */
  | { readonly kind: 'agent_closed'; readonly at: number; readonly why: string; readonly jitter: number }
  | { readonly kind: 'line_received'; readonly at: number; readonly line: string }
  | { readonly kind: 'oversized_received'; readonly at: number }
  /** The answer to a `measure`. */
  | { readonly kind: 'measured'; readonly at: number; readonly load: Measured }
  /**
   * A plug that is in use wants a session: its requests wait for one, one of several went, or those it has are
   * crowded. `atLeast`: how many sessions it wants when no more replicas are known; 1 where it is missing.
   */
  | { readonly kind: 'session_needed'; readonly at: number; readonly plug: string; readonly atLeast?: number }
  /** A `dial` succeeded, or failed. `sourcePort`: where a forwarder dialed, from a port of its own choice. */
  | { readonly kind: 'dialed'; readonly at: number; readonly opening: number; readonly sourcePort?: number }
  | {
      readonly kind: 'dial_failed';
      readonly at: number;
      readonly opening: number;
      readonly why: 'port_in_use' | 'refused' | 'timeout';
    }
  | {
      readonly kind: 'session_accepted';
      readonly at: number;
      readonly socket: string;
      readonly sourceAddress: string;
      readonly sourcePort: number;
      readonly destPort: number;
    }
  /** The answer to a `check_idle`: how long no request has been on the session; 0 with one under way. */
  | { readonly kind: 'idle_checked'; readonly at: number; readonly key: string; readonly idleMs: number }
  /** No request is under way any more on a session that drains. */
  | { readonly kind: 'session_drained'; readonly at: number; readonly side: Side; readonly key: string }
  /** The connection of a session is gone. `clean`: the other end closed it, with no request under way. */
  | {
      readonly kind: 'session_ended';
      readonly at: number;
      readonly side: Side;
      readonly key: string;
      readonly clean: boolean;
    }
  /** After `stop_listening`: the connections that are no sessions (users') are answered and closed. */
  | { readonly kind: 'users_drained'; readonly at: number }
  /** Somebody who is not the Manager asks the instance to end (SIGTERM). */
  | { readonly kind: 'stop_asked'; readonly at: number; readonly why: string }
  /** The service has flushed and closed its files. */
  | { readonly kind: 'service_stopped'; readonly at: number }
  | { readonly kind: 'tick'; readonly at: number };

/** What the shell measures for a health answer. */
export interface Measured {
  /** Share of time the event loop was busy since the last measurement, 0 to 1. */
  readonly utilization: number;
  /** How late the event loop is, in milliseconds. */
  readonly lagMs: number;
  /** Requests taken and not answered. */
  readonly inFlight: number;
  /** Requests answered since the start. */
  readonly requests: number;
}
