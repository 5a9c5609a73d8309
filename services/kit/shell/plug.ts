/**
 * A plug: requests in from the service, out on one of its sessions, and again on another when that one breaks.
 *
 * Lives here: the queue of what has no session, deadlines, the order of requests that belong together. Does not live
 * here: which of several sessions (spread.ts), opening and closing them (the machine; this file says `need`), bytes
 * (source-session.ts).
 *
 * Theory. Every request is safe to send twice, so a session may end at any time: what it left unanswered goes to the
 * front of the queue, in the order sent, and the queue goes to the next session. There is one coarse clock per plug,
 * a timer that runs only while a request waits; a timer per request would cost more than the request.
 */
import { DEFAULT_DEADLINE_MS, PlugError, type RequestOptions } from '../service.ts';
import type { Done, Group, SourceSession, Waiting } from './source-session.ts';
import { Spread } from './spread.ts';

/** Precision of deadlines, in milliseconds. */
export const TICK_MS = 50;
/** Requests, and their bytes, that may wait for a session. */
export const QUEUE_REQUESTS_MAX = 16384;
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

export class PlugSessions {
  readonly name: string;
  private readonly need: (atLeast: number) => void;
  private readonly now: () => number;
  private readonly muteMs: number;
  private readonly spread = new Spread();
  private queue: Waiting[] = [];
  private queueBytes = 0;
  private readonly groups = new Map<string, Group>();
  /** Requests whose callers wait. */
  private waiting = 0;
  private orders = 0;
  private tick = 0;
  private clock: NodeJS.Timeout | null = null;
  /** `need` has been said and neither a session nor a refusal has come. */
  private asked = false;
  /** Why there was no session last time. */
  private lastRefusal = 'no session yet';

  /**
   * `need`: called when requests wait and no session will take them, again only after one came, went or was refused;
   * and while the plug is in use with fewer sessions than it should have.
   */
  constructor(name: string, need: (atLeast: number) => void, now: () => number, muteMs: number) {
    this.name = name;
    this.muteMs = muteMs;
    this.need = need;
    this.now = now;
  }

  /** Takes a request. `done` is called once, later. */
  submit(type: string, rest: string, done: Done, options: RequestOptions | undefined): void {
    if (this.clock === null) this.startClock();
    const ticks = Math.ceil((options?.deadlineMs ?? DEFAULT_DEADLINE_MS) / TICK_MS);
    const group = options?.affinity === undefined ? null : this.groupOf(options.affinity);
    const request: Waiting = { type, rest, done, deadline: this.tick + ticks + 1, group, order: 0, sent: false };
    this.waiting += 1;
    // Behind those of its group that wait already.
    const session = group !== null && group.queued > 0 ? null : this.sessionFor(request);
    if (session !== null) this.send(session, request);
    else this.enqueue(request);
  }

  /** A session that may be used from now on. */
  add(session: SourceSession): void {
    this.spread.add(session);
    this.asked = false;
    this.pump();
  }

  /** So many replicas are known: requests are spread over a session to each. */
  spreadOver(replicas: number): void {
    this.spread.over(replicas);
  }

  /**
   * A session takes no new request. While it is in use another one is asked for at once, so that nothing stalls; one that only
   * stands by does not count for it: who closed the session may want the plug to learn of another replica.
   */
  drain(session: SourceSession): void {
    const inUse = isInUse(session);
    session.drain();
    this.spread.refresh();
    const { usable, wanted } = this.spread;
    if (!inUse) return;
    if (usable === 0) this.ask();
    else this.need(Math.max(wanted, usable + 1));
  }

  /** A session is over: what it left unanswered goes to the front. */
  remove(session: SourceSession): void {
    const inUse = isInUse(session);
    this.spread.remove(session);
    const again = [...session.unanswered()].filter(({ done }) => done !== null).sort((a, b) => a.order - b.order);
    for (const { group, rest } of again) {
      this.queueBytes += rest.length;
      if (group === null) continue;
      group.underWay -= 1;
      group.queued += 1;
    }
    for (const group of this.groups.values()) if (group.session === session) group.session = null;
    this.queue = again.concat(this.queue);
    this.asked = false;
    this.pump();
    if (inUse) this.refill();
  }

  /** Has one more answer; what waited for it may go on. */
  answered(request: Waiting): void {
    this.waiting -= 1;
    const { group } = request;
    if (group === null) return;
    group.underWay -= 1;
    if (group.underWay > 0) return;
    if (group.queued > 0) this.pump();
    else this.release(group);
  }

  /** Sends of the queue what can be sent, and asks for a session for the rest. */
  pump(): void {
    const { queue } = this;
    if (queue.length === 0) return;
    const kept: Waiting[] = [];
    this.queue = kept;
    this.queueBytes = 0;
    for (const request of queue) {
      const { group } = request;
      if (group !== null) group.queued -= 1;
      const session = this.sessionFor(request);
      if (session !== null) this.send(session, request);
      else this.keep(kept, request);
    }
    if (kept.length > 0) this.ask();
  }

  /** Says `need` once, unless a session will have room again. */
  private ask(): void {
    if (this.asked || this.spread.usable > 0) return;
    this.asked = true;
    this.need(1);
  }

  /** Asks for the sessions that a plug in use lacks. */
  private refill(): void {
    const { usable, wanted } = this.spread;
    if (usable === 0) this.ask();
    else if (usable < wanted) this.need(wanted);
  }

  /** The pause after a refusal is over: says `need` again if something still waits. */
  checkNeed(): void {
    this.asked = false;
    if (this.queue.length > 0) this.ask();
  }

  /** There is no session now, and why; when `final`, what waits fails. */
  refused(why: string, final: boolean, retryAfterMs: number): void {
    this.lastRefusal = why;
    if (!final) return;
    const { queue } = this;
    this.asked = false;
    this.queue = [];
    this.queueBytes = 0;
    for (const request of queue) {
      this.leaveQueue(request);
      this.fail(request, new PlugError(503, `${this.name}: ${why}`, retryAfterMs));
    }
  }

  /** Fails everything and stops the clock. */
  destroy(): void {
    this.refused('the instance is gone', true, 0);
    for (const session of this.spread.sessions)
      for (const request of session.unanswered())
        this.fail(request, new PlugError(504, `${this.name}: the instance is gone`));
    if (this.clock !== null) clearInterval(this.clock);
  }

  /** For the machine's idle check: how long a session has had no request. */
  idleMs(session: SourceSession): number {
    return isInUse(session) ? 0 : this.now() - session.usedAt;
  }

  /** The session for this request; null when it must wait. A group keeps its session. */
  private sessionFor({ group }: Waiting): SourceSession | null {
    if (group !== null && group.underWay > 0) return group.session?.hasRoom === true ? group.session : null;
    return this.spread.choose();
  }

  private send(session: SourceSession, request: Waiting): void {
    const { group } = request;
    if (group !== null) {
      group.session = session;
      group.underWay += 1;
    }
    if (request.order === 0) request.order = this.orders += 1;
    session.send(request);
  }

  private enqueue(request: Waiting): void {
    if (this.queue.length >= QUEUE_REQUESTS_MAX || this.queueBytes + request.rest.length > QUEUE_BYTES_MAX) {
      if (request.group !== null) this.release(request.group);
      // Not at once: whoever forwards must not be called back before forward returns.
      setImmediate(() => this.fail(request, new PlugError(503, `${this.name}: too many requests wait`)));
      return;
    }
    this.keep(this.queue, request);
    this.ask();
  }

  private keep(queue: Waiting[], request: Waiting): void {
    if (request.group !== null) request.group.queued += 1;
    this.queueBytes += request.rest.length;
    queue.push(request);
  }

  private leaveQueue({ group }: Waiting): void {
    if (group === null) return;
    group.queued -= 1;
    this.release(group);
  }

  private release(group: Group): void {
    if (group.queued === 0 && group.underWay === 0) this.groups.delete(group.affinity);
  }

  private groupOf(affinity: string): Group {
    let group = this.groups.get(affinity);
    if (group === undefined) {
      group = { affinity, session: null, underWay: 0, queued: 0 };
      this.groups.set(affinity, group);
    }
    return group;
  }

  private fail(request: Waiting, error: PlugError): void {
    const { done } = request;
    if (done === null) return;
    request.done = null;
    this.waiting -= 1;
    done(null, error);
  }

  private startClock(): void {
    for (const session of this.spread.sessions) {
      session.sentSeen = session.sent;
      session.hearFrom(this.now());
    }
    this.clock = setInterval(() => this.onTick(), TICK_MS);
  }

  private onTick(): void {
    this.tick += 1;
    const now = this.now();
    for (const session of this.spread.sessions) {
      if (isInUse(session)) session.usedAt = now;
      session.sentSeen = session.sent;
    }
    if (this.waiting === 0) {
      clearInterval(this.clock as NodeJS.Timeout);
      this.clock = null;
      return;
    }
    this.expireQueue();
    for (const session of this.spread.sessions) {
      session.expire(this.tick, (request) => this.missed(request));
      session.look(now, this.muteMs);
    }
    this.spread.look();
    if (this.spread.usable > 0) this.refill();
  }

  private expireQueue(): void {
    const late = this.queue.filter(({ deadline }) => deadline <= this.tick);
    if (late.length === 0) return;
    this.queue = this.queue.filter(({ deadline }) => deadline > this.tick);
    for (const request of late) {
      this.queueBytes -= request.rest.length;
      this.leaveQueue(request);
      const status = request.sent ? 504 : 503;
      this.fail(request, new PlugError(status, `${this.name}: ${this.lastRefusal}`));
    }
  }

  /** Sent, and not answered in time. */
  private missed(request: Waiting): void {
    const { group } = request;
    this.fail(request, new PlugError(504, `${this.name}: no answer in time`));
    if (group === null) return;
    group.underWay -= 1;
    if (group.underWay === 0 && group.queued > 0) this.pump();
    else this.release(group);
  }
}

/** A request is under way on it, or was sent since the clock's last tick. */
function isInUse({ live, sent, sentSeen }: SourceSession): boolean {
  return live > 0 || sent !== sentSeen;
}
