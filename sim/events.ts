/**
 * What can happen in a simulated world, and when: plain data in one queue.
 *
 * Lives here: the closed union of events and the queue. Does not live here: what follows from one (world.ts and the
 * files it leads to). Events are data and no functions, so that a world can be looked at, saved and told.
 */

/** Which end of a connection: 0 the one that dialed, 1 the one that accepted. */
export type EndIndex = 0 | 1;

export type SimEvent =
  /** The next segment on its way to this end of a connection arrives. One is in the queue for each direction at most. */
  | { readonly kind: 'deliver'; readonly connection: number; readonly end: EndIndex }
  /** A wish to connect reaches the other side. */
  | { readonly kind: 'syn'; readonly connection: number }
  /** The dialer learns that it is connected, or that it is not. */
  | { readonly kind: 'connected'; readonly connection: number }
  | { readonly kind: 'connect_failed'; readonly connection: number; readonly why: 'refused' | 'timeout' }
  /** This end learns that its connection is over. */
  | { readonly kind: 'closed'; readonly connection: number; readonly end: EndIndex; readonly why: string }
  /** The next deadline of a process may be due. */
  | { readonly kind: 'tick'; readonly process: number }
  /** A process begins to run its program; an instance listens on its ports. */
  | { readonly kind: 'boot'; readonly process: number }
  | { readonly kind: 'listen'; readonly process: number }
  /** What an effect yielded: an input of this process's machine, still without its time. */
  | { readonly kind: 'input'; readonly process: number; readonly input: { readonly kind: string } }
  /** The disk under the Manager's journal is done with what it was given. */
  | { readonly kind: 'commit'; readonly process: number }
  /** A store's file system is done with a write. */
  | { readonly kind: 'store_synced'; readonly process: number; readonly operations: readonly number[] }
  /** An agent, or the Manager, is started (again) on a node. */
  | { readonly kind: 'start_agent'; readonly node: number }
  | { readonly kind: 'start_manager' }
  /** A user sends, gives up waiting, or gets an answer. */
  | { readonly kind: 'user_sends'; readonly user: number }
  | { readonly kind: 'user_request'; readonly process: number; readonly user: number; readonly operation: number }
  | { readonly kind: 'user_timeout'; readonly user: number; readonly attempt: number }
  | {
      readonly kind: 'user_answer';
      readonly user: number;
      readonly operation: number;
      readonly status: number;
      readonly result: number;
    }
  /** The plan's next step is due: a fault, its undo, or an operator's command. */
  | { readonly kind: 'plan' }
  | { readonly kind: 'undo'; readonly undo: number };

/** An event in the queue. `order` tells apart what is due at the same microsecond. */
export interface Scheduled {
  readonly atUs: number;
  readonly order: number;
  readonly event: SimEvent;
  cancelled: boolean;
}

/** All events to come, in order. */
export class EventQueue {
  private heap: Scheduled[] = [];
  private orders = 0;
  private live = 0;

  get size(): number {
    return this.live;
  }

  add(atUs: number, event: SimEvent): Scheduled {
    const scheduled: Scheduled = { atUs, order: (this.orders += 1), event, cancelled: false };
    this.live += 1;
    const { heap } = this;
    let at = heap.length;
    heap.push(scheduled);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Scheduled;
      if (isEarlier(above, scheduled)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = scheduled;
    return scheduled;
  }

  cancel(scheduled: Scheduled): void {
    if (scheduled.cancelled) return;
    scheduled.cancelled = true;
    this.live -= 1;
  }

  /** Takes out the earliest event; null when nothing is to come. */
  take(): Scheduled | null {
    for (;;) {
      const top = this.pop();
      if (top === null) return null;
      if (top.cancelled) continue;
      this.live -= 1;
      top.cancelled = true;
      return top;
    }
  }

  /** When the earliest event is due; null when nothing is to come. */
  nextAtUs(): number | null {
    for (let top = this.heap[0]; top !== undefined && top.cancelled; top = this.heap[0]) this.pop();
    return this.heap[0]?.atUs ?? null;
  }

  /** Everything to come, in order. */
  list(): Scheduled[] {
    return this.heap.filter(({ cancelled }) => !cancelled).sort((a, b) => a.atUs - b.atUs || a.order - b.order);
  }

  private pop(): Scheduled | null {
    const { heap } = this;
    const top = heap[0];
    if (top === undefined) return null;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isEarlier(heap[right] as Scheduled, heap[left] as Scheduled) ? right : left;
      const below = heap[child] as Scheduled;
      if (isEarlier(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isEarlier(a: Scheduled, b: Scheduled): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
