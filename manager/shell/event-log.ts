/**
 * The events of just now, for those who watch.
 *
 * Lives here: the last events in memory, subscribers, and joining memory and journal without a gap. Does not
 * live here: WebSockets (event-stream.ts), what an event says (the core).
 */
import type { ManagerEvent } from '../core/effects.ts';
import { eventsSince, timedEvent, type ReadHistory, type TimedEvent } from './history.ts';

/** Events kept in memory; older ones are read from the journal. */
export const RECENT_EVENTS = 4096;

export class EventLog {
  private readonly read: ReadHistory;
  private readonly subscribers = new Set<(event: TimedEvent) => void>();
  private recent: { readonly event: ManagerEvent; readonly at: number }[] = [];
  private lastSeq: number;

  /** `lastSeq` is the number of the last event in the journal, 0 for none. */
  constructor(read: ReadHistory, lastSeq: number) {
    this.read = read;
    this.lastSeq = lastSeq;
  }

  get last(): number {
    return this.lastSeq;
  }

  /** An event was performed, that is, it is in the journal. */
  add(event: ManagerEvent, at: number): void {
    this.lastSeq = event.seq;
    this.recent.push({ event, at });
    if (this.recent.length >= 2 * RECENT_EVENTS) this.recent = this.recent.slice(-RECENT_EVENTS);
    if (this.subscribers.size === 0) return;
    const timed = timedEvent(event, at);
    for (const subscriber of this.subscribers) subscriber(timed);
  }

  /** All events above `since` up to now. */
  async *since(since: number): AsyncGenerator<TimedEvent> {
    const { last } = this;
    let seen = since;
    if (seen < last && !this.isRecent(seen))
      for await (const event of eventsSince(this.read, seen, last)) {
        seen = event.seq;
        yield event;
      }
    // Copied: the list may be cut while the reader takes its time.
    for (const { event, at } of this.recent.slice(this.indexAfter(seen)))
      if (event.seq > seen) yield timedEvent(event, at);
  }

  /**
   * Calls `subscriber` for every event from now on; false when there are events above `since` already (read `since`
   * first). The returned function ends it.
   */
  subscribe(since: number, subscriber: (event: TimedEvent) => void): (() => void) | false {
    if (since < this.lastSeq) return false;
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  /** Does memory hold everything above `since`? */
  private isRecent(since: number): boolean {
    const first = this.recent[0];
    return first !== undefined && first.event.seq <= since + 1;
  }

  private indexAfter(since: number): number {
    const first = this.recent[0];
    return first === undefined ? 0 : Math.max(0, since + 1 - first.event.seq);
  }
}
