/**
 * What `ssmmp lab check` and the process that runs the check's code say to each other.
 *
 * Lives here: the words. Does not live here: either end (check.ts, check-process.ts).
 *
 * They go over the channel that Node makes between a process and its child, never over the command line: the seed is in them,
 * and what a process is called with can be read by whatever it starts.
 */
import type { Diagram, Exhibit } from '../core/report.ts';
import type { ItemResult } from '../core/result.ts';
import type { Lab } from './lab-folder.ts';
import type { Places } from './places.ts';

/** What is to be checked. */
export interface CheckTask {
  readonly lab: Lab;
  /** The working folder. */
  readonly folder: string;
  readonly places: Places;
  readonly seed: number;
  /** Names of the items to run, in the order of lab.yaml. */
  readonly items: readonly string[];
  readonly runFolder: string;
  /** Below it lie the lifelines of what is started. */
  readonly lifelines: string;
}

/** What there is to show of a run: the exhibits since it was told last, and all diagrams of this process. */
export interface Sights {
  readonly exhibits: readonly Exhibit[];
  readonly diagrams: readonly Diagram[];
  readonly usedSeed: boolean;
}

/** To the check's process. `ping`: does it still answer? `stop`: somebody pressed Ctrl-C. */
export type ToCheck =
  { readonly kind: 'check'; readonly task: CheckTask } | { readonly kind: 'ping' } | { readonly kind: 'stop' };

/** From it. An item is `begun`, then `done`, then `closed`: what was started for it has ended. `over` is the last word. */
export type FromCheck =
  | { readonly kind: 'begun'; readonly item: string }
  | { readonly kind: 'done'; readonly result: ItemResult }
  | { readonly kind: 'closed'; readonly sights: Sights }
  | { readonly kind: 'over'; readonly sights: Sights }
  | { readonly kind: 'pong' };
