/**
 * Everything an agent can cause.
 *
 * Lives here: the closed union of effects. Does not live here: how one is performed (agent/shell/perform.ts).
 */
import type { Remembered } from './inputs.ts';

/** The two hops on which an agent sees messages. */
export type TracedHop = 'instance-agent' | 'agent-Manager';

/** A process of an instance; comes back in the inputs it leads to. */
interface OfRun {
  readonly instance: number;
  readonly run: number;
}

export type AgentEffect =
  /** Connect to the Manager from the node's own address (R17). Yields `manager_connected` or `manager_unreached`. */
  | { readonly kind: 'connect_manager' }
  /** Send one line (without LF). A connection that is gone swallows it. */
  | { readonly kind: 'send'; readonly connection: number; readonly line: string }
  /** Send what is under way, then close. A `connection_closed` follows. */
  | { readonly kind: 'close'; readonly connection: number; readonly why: string }
  /** Is any of these ports of the node taken (R21)? Yields `ports_probed`. */
  | (OfRun & { readonly kind: 'probe_ports'; readonly ports: readonly number[] })
  /**
   * Start the service's program with these five arguments and exactly this environment, in a process group of
   * its own. Yields `process_started` or `process_failed`, later `process_ended`.
   */
  | (OfRun & {
      readonly kind: 'spawn';
      readonly service: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    })
  /** Signal the process group `pid`. */
  | (OfRun & { readonly kind: 'kill'; readonly pid: number; readonly signal: 'SIGKILL' | 'SIGTERM' })
  /** Is this still that process (R47)? Yields `process_checked`; while alive it is watched, and `process_ended` follows. */
  | (OfRun & {
      readonly kind: 'check_process';
      readonly service: string;
      readonly pid: number;
      readonly startTime: string | null;
    })
  /** Do all these ports accept a connection (R26)? Yields `sockets_probed`. */
  | (OfRun & { readonly kind: 'probe_sockets'; readonly ports: readonly number[] })
  /** Keep this on disk in place of what was kept before. */
  | { readonly kind: 'remember'; readonly state: Remembered }
  /** A message was seen on one of the two hops. `exchange`: `<originator>/<message_id>`. */
  | {
      readonly kind: 'trace';
      readonly at: number;
      readonly hop: TracedHop;
      readonly from: string;
      readonly to: string;
      readonly exchange: string;
      readonly line: string;
    }
  /** A sentence for people. */
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly text: string;
      readonly data: Readonly<Record<string, string | number | null>>;
    }
  /** End this process: 0 as asked for, 1 because the Manager will not have it (R52). */
  | { readonly kind: 'stop'; readonly code: 0 | 1; readonly why: string };
