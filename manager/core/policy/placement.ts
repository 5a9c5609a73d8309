/**
 * Placement: which node runs a new instance.
 *
 * Lives here: the choice among nodes that can. Does not live here: which nodes can (execution.ts asks).
 * Policies choose and change nothing. Default: the node with the fewest live instances, the lowest number
 * first among equals, so that the same cluster always looks the same.
 */

/** What a placement policy sees of a node. */
export interface PlacementCandidate {
  readonly agent: string;
  readonly number: number;
  /** Live instances of any service on the node. */
  readonly instances: number;
  /** Live instances of this service on the node. */
  readonly replicas: number;
}

/** The key of the chosen agent; null when there is no candidate. */
export function placeLeastUsed(candidates: readonly PlacementCandidate[]): string | null {
  let best: PlacementCandidate | null = null;
  for (const candidate of candidates) if (best === null || before(candidate, best)) best = candidate;
  return best?.agent ?? null;
}

function before(a: PlacementCandidate, b: PlacementCandidate): boolean {
  return (a.replicas - b.replicas || a.instances - b.instances || a.number - b.number) < 0;
}
