/**
 * Everything that can happen to the Manager.
 *
 * Lives here: the closed union of inputs. Does not live here: what follows from one (step.ts, dialogues/).
 * Messages come as the raw line, so that the journal shows what was on the wire and the core alone decides
 * what it means.
 */
import type { Graph } from '../../ssmmp/core/graph.ts';
import type { TimerPreset } from '../../ssmmp/core/timers.ts';
import type { PolicyAnswer } from './oracle.ts';

/** Settings that the first record fixes for the life of a cluster, or that a restart may change. */
export interface ManagerSettings {
  /** Canonical address of the Manager. */
  readonly address: string;
  /** Name of the cluster; epochs count in it (R51). */
  readonly cluster: string;
  /** Factor on every timer (R46). */
  readonly timerScale: number;
  /** The table of durations that the factor scales (R46); `lab` where it is missing. */
  readonly timerPreset?: TimerPreset;
  /** Emit no x_ line at all. */
  readonly strict: boolean;
  /** Nodes share one address and differ by x_node (R16). */
  readonly sharedAddress: boolean;
  /** First and last port the Manager gives to sockets, per address. */
  readonly portFirst: number;
  readonly portLast: number;
}

/** What an operator asks for. */
export type Command =
  | { readonly command: 'stop'; readonly instance: string; readonly hard: boolean }
  | { readonly command: 'scale'; readonly service: string; readonly replicas: number; readonly dry_run: boolean }
  /** `to` null: the placement policy chooses another node. */
  | { readonly command: 'migrate'; readonly instance: string; readonly to: string | null; readonly dry_run: boolean }
  | { readonly command: 'drain'; readonly node: string; readonly dry_run: boolean }
  | { readonly command: 'uncordon'; readonly node: string }
  /** `node` null: every node that is away. */
  | { readonly command: 'confirm-lost'; readonly node: string | null }
  /** The shell has read and checked the file; its name is for people. */
  | { readonly command: 'apply'; readonly graph: Graph; readonly file: string; readonly dry_run: boolean }
  | { readonly command: 'shutdown' };

/**
 * One input. `answers`: what policies in files answered when it was stepped, in the order they were asked (decision 0011);
 * the shell records them with the input, so that a replay need not ask.
 */
export type ManagerInput = ManagerHappening & { readonly answers?: readonly PolicyAnswer[] };

type ManagerHappening =
  /** The Manager starts: the first record of a journal, and again at every start with a higher epoch (R49, R51). */
  | {
      readonly kind: 'manager_started';
      readonly at: number;
      readonly epoch: number;
      readonly graph: Graph;
      readonly settings: ManagerSettings;
      /** The state comes from the mirror, which may lack the last moments: ids go on behind a gap (R12). */
      readonly restored?: string;
      /** The journal's disk took nothing since then; the Manager has waited for it. */
      readonly outage?: { readonly sinceMs: number; readonly why: string };
    }
  | { readonly kind: 'connection_opened'; readonly at: number; readonly connection: number; readonly address: string }
  | { readonly kind: 'line_received'; readonly at: number; readonly connection: number; readonly line: string }
  | { readonly kind: 'oversized_received'; readonly at: number; readonly connection: number }
  | { readonly kind: 'connection_closed'; readonly at: number; readonly connection: number; readonly why: string }
  | {
      readonly kind: 'command_received';
      readonly at: number;
      /** Number of the shell's choosing, unique in the life of this process; the reply carries it. */
      readonly request: number;
      readonly body: Command;
    }
  | { readonly kind: 'tick'; readonly at: number };
