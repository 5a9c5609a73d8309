/**
 * Which session of a plug a request takes, and how many sessions the plug should have.
 *
 * Lives here: least in flight, round robin among equals, and when a plug is crowded. Does not live here: the requests
 * (plug.ts), opening (the machine), how many replicas there are (the Manager tells).
 *
 * Theory. Requests go to as many sessions as there are replicas, the oldest ones; a session beyond them is surplus: it
 * is taken only when the others have no room, so that it falls idle and is closed. Where nothing is known of replicas,
 * crowding is the sign: one more session when each has over CROWDED_IN_FLIGHT requests under way, one less when half of that
 * would do without it. It is looked at by the plug's clock, not by each request. Where versions have weights, each session
 * has a part of the requests (x_weight), and the parts decide instead of what is in flight.
 */
import { SESSIONS_PER_PLUG_MAX } from '../core/dialogues/replicas.ts';
import type { SourceSession } from './source-session.ts';

/** A plug opens another session when every one has more requests under way than this. */
export const CROWDED_IN_FLIGHT = 512;

export class Spread {
  /** All sessions that may be used or still have requests under way, oldest first. */
  sessions: readonly SourceSession[] = [];
  /** Those of them that take new requests. */
  usable = 0;
  private replicas = 1;
  private crowd = 1;
  private chosen: SourceSession[] = [];
  /** Do the chosen sessions carry different parts of the requests? */
  private isWeighted = false;
  private next = 0;

  add(session: SourceSession): void {
    this.sessions = [...this.sessions, session];
    this.refresh();
  }

  remove(session: SourceSession): void {
    this.sessions = this.sessions.filter((other) => other !== session);
    this.refresh();
  }

  /** The Manager told of so many replicas. */
  over(replicas: number): void {
    this.replicas = replicas;
    this.refresh();
  }

  /** Chooses anew among those that do not drain; to be called after a session began to. */
  refresh(): void {
    const open = this.sessions.filter(({ draining }) => !draining);
    this.usable = open.length;
    this.chosen = open.slice(0, this.wanted);
    const parts = new Set(this.chosen.map(({ part }) => part));
    this.isWeighted = parts.size > 1 && !parts.has(0);
    if (this.isWeighted) for (const session of this.chosen) session.passed = 0;
    if (this.next >= this.chosen.length) this.next = 0;
  }

  /** Sessions the plug should have while it is in use. */
  get wanted(): number {
    return Math.max(this.replicas, this.crowd);
  }

  /** The session for a request; null when none has room. */
  choose(): SourceSession | null {
    if (this.isWeighted) return this.byPart() ?? this.surplus();
    const { chosen } = this;
    const count = chosen.length;
    let best: SourceSession | null = null;
    let at = this.next;
    for (let left = count; left > 0; left -= 1) {
      const session = chosen[at] as SourceSession;
      at = at + 1 === count ? 0 : at + 1;
      if (session.hasRoom && (best === null || session.live < best.live)) {
        best = session;
        this.next = at;
      }
    }
    return best ?? this.surplus();
  }

  /** Looks how crowded the sessions are. */
  look(): void {
    const { chosen, crowd } = this;
    let least = Infinity;
    let all = 0;
    for (const { live } of chosen) {
      all += live;
      if (live < least) least = live;
    }
    if (chosen.length > 0 && least > CROWDED_IN_FLIGHT)
      this.crowd = Math.min(Math.max(crowd, chosen.length + 1), SESSIONS_PER_PLUG_MAX);
    else if (crowd > 1 && all < ((crowd - 1) * CROWDED_IN_FLIGHT) / 2) this.crowd = crowd - 1;
    if (this.crowd !== crowd) this.refresh();
  }

  /** The one that is furthest behind its part: each request moves its session on by the inverse of its part. */
  private byPart(): SourceSession | null {
    let best: SourceSession | null = null;
    for (const session of this.chosen)
      if (session.hasRoom && (best === null || session.passed + 1 / session.part < best.passed + 1 / best.part))
        best = session;
    if (best !== null) best.passed += 1 / best.part;
    return best;
  }

  private surplus(): SourceSession | null {
    if (this.usable <= this.chosen.length) return null;
    let best: SourceSession | null = null;
    for (const session of this.sessions)
      if (session.hasRoom && (best === null || session.live < best.live)) best = session;
    return best;
  }
}
