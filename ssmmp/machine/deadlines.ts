/**
 * A table of deadlines: what is due when.
 *
 * Lives here: set, clear, take what is due, in O(log n). Does not live here: a clock. Machines hold one in
 * their state. Entries due at the same millisecond come in the order they were set, so a replay agrees.
 */

interface Entry {
  readonly key: string;
  readonly at: number;
  readonly order: number;
}

/** Named deadlines. A key has one deadline; setting it again replaces it. */
export class Deadlines {
  private readonly current = new Map<string, Entry>();
  /** A binary heap; entries that were replaced or cleared stay until they reach the top. */
  private heap: Entry[] = [];
  private orders = 0;

  get size(): number {
    return this.current.size;
  }

  set(key: string, at: number): void {
    const entry = { key, at, order: (this.orders += 1) };
    this.current.set(key, entry);
    this.push(entry);
    if (this.heap.length > 64 && this.heap.length > 4 * this.current.size) this.compact();
  }

  clear(key: string): void {
    this.current.delete(key);
  }

  has(key: string): boolean {
    return this.current.has(key);
  }

  /** When the next one is due, or null. */
  next(): number | null {
    this.dropStale();
    return this.heap[0]?.at ?? null;
  }

  /** Takes out one key that is due at `now`; undefined when there is none. */
  takeDue(now: number): string | undefined {
    this.dropStale();
    const top = this.heap[0];
    if (top === undefined || top.at > now) return undefined;
    this.current.delete(top.key);
    this.pop();
    return top.key;
  }

  /** The entries in the order they fall due, for a snapshot. */
  save(): [key: string, at: number][] {
    return [...this.current.values()].sort(earlier).map(({ key, at }) => [key, at]);
  }

  static load(saved: readonly (readonly [key: string, at: number])[]): Deadlines {
    const deadlines = new Deadlines();
    for (const [key, at] of saved) deadlines.set(key, at);
    return deadlines;
  }

  private dropStale(): void {
    for (let top = this.heap[0]; top !== undefined && this.current.get(top.key) !== top; top = this.heap[0]) this.pop();
  }

  private compact(): void {
    this.heap = [...this.current.values()].sort(earlier);
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (earlier(above, entry) <= 0) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && earlier(heap[right] as Entry, heap[left] as Entry) < 0 ? right : left;
      const below = heap[child] as Entry;
      if (earlier(last, below) <= 0) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function earlier(a: Entry, b: Entry): number {
  return a.at - b.at || a.order - b.order;
}
