/**
 * The instances of a service by load, so that the one with the fewest sessions is found at once.
 *
 * Lives here: the index behind the default balancing policy. Does not live here: the policies (balancing.ts), who may be
 * chosen at all (instances.ts, choose.ts). Instances stand in buckets by load, so a choice costs the same with three
 * replicas or three thousand.
 */

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

  /** All of them, in no order. */
  ids(): Iterable<number> {
    return this.loads.keys();
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
