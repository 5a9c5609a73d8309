/**
 * Balancing: which instance of a service gets the next session.
 *
 * Lives here: the choices, and the index that makes the default one cheap. Does not live here: who may be chosen at
 * all (instances.ts, choose.ts). Default policy: least sessions, the one that waits longest first among equals. The
 * index keeps the instances in buckets by load, so this choice costs the same with three replicas or three thousand;
 * the others look at every replica.
 */
import type { BalancingPolicy } from '../../../ssmmp/core/graph.ts';

/** What a balancing policy sees of a service. */
export interface BalancingView {
  /** Who may be chosen, at least one: fewest sessions first, among equals the one that waits longest. */
  readonly candidates: readonly { readonly instance: number; readonly sessions: number }[];
  /** The instance that was chosen last; 0 for none. */
  readonly last: number;
  /** How many choices were made for this service: where chance comes from, for a core has no other. */
  readonly choices: number;
}

/** The policies of the graph's `policies: {balancing: …}`. They choose one of the candidates and change nothing. */
export const BALANCE: Readonly<Record<BalancingPolicy, (view: BalancingView) => number>> = {
  'least-sessions': ({ candidates }) => idOf(candidates, 0),

  /** The next id above the last one, and from the highest back to the lowest. */
  'round-robin': ({ candidates, last }) => {
    const ids = candidates.map(({ instance }) => instance).sort((a, b) => a - b);
    return ids.find((id) => id > last) ?? (ids[0] as number);
  },

  /** Each with the same probability. The same history chooses the same again, so a journal can be replayed. */
  random: ({ candidates, choices }) => {
    const ids = candidates.map(({ instance }) => instance).sort((a, b) => a - b);
    return ids[scrambled(choices) % ids.length] as number;
  },
};

function idOf(candidates: BalancingView['candidates'], at: number): number {
  return (candidates[at] as { instance: number }).instance;
}

/** A number below 2^32 that looks like chance: the finisher of murmur3, in which each bit of `n` moves half of all. */
function scrambled(n: number): number {
  let mixed = (n + 1) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** `inOrder` looks at this many loads from the lowest up, whether an instance has them or not. */
const BUCKETS_LOOKED_AT = 256;

/** Instances by load. The load of an instance is its sessions and grants as a destination. */
export class LeastLoaded {
  private readonly loads = new Map<number, number>();
  private readonly buckets = new Map<number, Set<number>>();
  private lowest = 0;

  get size(): number {
    return this.loads.size;
  }

  has(instance: number): boolean {
    return this.loads.has(instance);
  }

  loadOf(instance: number): number | undefined {
    return this.loads.get(instance);
  }

  /** Adds an instance or changes its load. */
  set(instance: number, load: number): void {
    const before = this.loads.get(instance);
    if (before === load) return;
    if (before !== undefined) this.buckets.get(before)?.delete(instance);
    this.loads.set(instance, load);
    let bucket = this.buckets.get(load);
    if (bucket === undefined) this.buckets.set(load, (bucket = new Set()));
    bucket.add(instance);
    if (load < this.lowest || this.loads.size === 1) this.lowest = load;
  }

  delete(instance: number): void {
    const load = this.loads.get(instance);
    if (load === undefined) return;
    this.loads.delete(instance);
    this.buckets.get(load)?.delete(instance);
  }

  /** The instance with the least load, the longest in its bucket first; null when there is none. */
  choose(): number | null {
    if (this.loads.size === 0) return null;
    for (;;) {
      const bucket = this.buckets.get(this.lowest);
      if (bucket !== undefined) {
        for (const instance of bucket) return instance;
        this.buckets.delete(this.lowest);
      }
      this.lowest += 1;
    }
  }

  /** The first few instances in the order `choose` would take them. */
  *inOrder(count: number): Generator<number> {
    if (this.choose() === null) return;
    let left = Math.min(count, this.loads.size);
    for (let load = this.lowest, looked = 0; left > 0 && looked < BUCKETS_LOOKED_AT; load += 1, looked += 1)
      for (const instance of this.buckets.get(load) ?? []) {
        if (left === 0) return;
        left -= 1;
        yield instance;
      }
  }

  /** The instances in the order `choose` would take them, for a snapshot. */
  save(): number[] {
    const loads = [...this.buckets.keys()].sort((a, b) => a - b);
    return loads.flatMap((load) => [...(this.buckets.get(load) ?? [])]);
  }
}
