/**
 * What a picture of a graph may tell of the running CNApp.
 *
 * Lives here: the counts, and how a count is written. Does not live here: where they come from.
 */

/** What runs at the moment. */
export interface LiveGraph {
  /** Running instances by service name. */
  readonly instances: ReadonlyMap<string, number>;
  /** Open sessions by `edgeKey`. */
  readonly sessions: ReadonlyMap<string, number>;
}

/** `1 instance`, `2 instances`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
