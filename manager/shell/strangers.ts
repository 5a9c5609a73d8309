/**
 * Connections to the port for agents that have not registered: how many, how long, how much they may say.
 *
 * Lives here: their timers, their number, their turns. Does not live here: sockets (agent-listener.ts), what they say.
 *
 * Theory. Everything that is said at this port goes into the journal and to the disk before anything is answered, so a
 * stranger who talks without end would fill the disk, push the history out of it and let the agents wait for the next
 * commit. So all strangers have one purse of bytes. Whoever speaks when it is empty is not read from until his turn
 * comes, first come first served; TCP lets him wait. Agents that have registered pay nothing. A thousand agents that
 * come back at once say some 300 KB, less than a full purse.
 */

/** Connections that have not registered; beyond it the one that has been silent longest is closed. */
export const UNREGISTERED_MAX = 2048;
/** What all of them together may say a second, and at once after a quiet time, in bytes. */
export const STRANGERS_BYTES_PER_S = 4 * 1024 * 1024;
export const STRANGERS_BURST_BYTES = 4 * 1024 * 1024;
/** What a line costs beside its length: its record, its answer, its event. */
const LINE_COST_BYTES = 256;
/** While some wait: how often there are turns, and how many at once. Each may say a chunk before it is stopped again. */
const TURNS_MS = 20;
const TURNS_AT_ONCE = 8;

export interface StrangersOptions {
  /** An agent says its initiation_request at once; a connection that has not registered after this is closed. */
  readonly unregisteredMs: number;
  isRegistered(connection: number): boolean;
  /** Closes a connection that has not registered. */
  drop(connection: number): void;
  /** Begins or ends not reading from it. */
  hold(connection: number, isHeld: boolean): void;
  /** Milliseconds, monotonic. */
  now?(): number;
}

export class Strangers {
  private readonly options: StrangersOptions;
  private readonly now: () => number;
  /** Those that may not have registered yet, oldest first, with the timer of each. */
  private readonly timers = new Map<number, NodeJS.Timeout>();
  /** Those that are not read from, in the order of their turns. */
  private readonly held = new Set<number>();
  private purseBytes = STRANGERS_BURST_BYTES;
  private filledAt: number;
  private turns: NodeJS.Timeout | null = null;

  constructor(options: StrangersOptions) {
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.filledAt = this.now();
  }

  isHeld(connection: number): boolean {
    return this.held.has(connection);
  }

  /** A connection was opened. Another, or this one, may be dropped or held for it. */
  add(connection: number): void {
    const timer = setTimeout(() => this.drop(connection), this.options.unregisteredMs);
    this.timers.set(connection, timer);
    this.fill();
    if (this.purseBytes <= 0) this.hold(connection);
    if (this.timers.size <= UNREGISTERED_MAX) return;
    for (const oldest of this.timers.keys()) {
      this.drop(oldest);
      if (this.timers.size <= UNREGISTERED_MAX) return;
    }
  }

  /** A connection said a line. Free for those that have registered. */
  said(connection: number, bytes: number): void {
    if (!this.timers.has(connection) || this.options.isRegistered(connection)) return;
    this.fill();
    this.purseBytes -= bytes + LINE_COST_BYTES;
    if (this.purseBytes <= 0) this.hold(connection);
  }

  /** A connection is over. */
  remove(connection: number): void {
    const timer = this.timers.get(connection);
    if (timer !== undefined) clearTimeout(timer);
    this.timers.delete(connection);
    this.held.delete(connection);
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    if (this.turns !== null) clearInterval(this.turns);
    this.timers.clear();
    this.held.clear();
  }

  private drop(connection: number): void {
    this.remove(connection);
    if (!this.options.isRegistered(connection)) this.options.drop(connection);
  }

  private fill(): void {
    const now = this.now();
    const earned = ((now - this.filledAt) / 1000) * STRANGERS_BYTES_PER_S;
    this.purseBytes = Math.min(STRANGERS_BURST_BYTES, this.purseBytes + earned);
    this.filledAt = now;
  }

  private hold(connection: number): void {
    if (this.held.has(connection)) return;
    this.held.add(connection);
    this.options.hold(connection, true);
    this.turns ??= setInterval(() => this.giveTurns(), TURNS_MS);
  }

  private giveTurns(): void {
    this.fill();
    let left = this.purseBytes <= 0 ? 0 : TURNS_AT_ONCE;
    for (const connection of this.held) {
      if (left === 0) return;
      left -= 1;
      this.held.delete(connection);
      this.options.hold(connection, false);
    }
    if (this.turns !== null) clearInterval(this.turns);
    this.turns = null;
  }
}
