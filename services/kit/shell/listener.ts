/**
 * A socket of the instance: listens on its port, accepts sessions, and on a public port users' connections.
 *
 * Lives here: accepting, limits on connections and on half lines, closing all of it. Does not live here: what a line
 * means (dest-session.ts), when a session is drained (the machine).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { canonicalAddress, sessionKey } from '../../../ssmmp/core/address.ts';
import { isPublicPort } from '../core/ports.ts';
import type { OrderedHandler, SocketHandler } from '../service.ts';
import { MatchedDestSession, OrderedDestSession, type DestSession, type Shared } from './dest-session.ts';

/** Connections of one socket. At the limit the oldest one that never sent a line makes room, else the new one goes. */
export const CONNECTIONS_MAX = 2048;
/** A line may stay unfinished this long, in milliseconds, times the timers' factor. It is looked at so many times. */
export const HALF_LINE_MS = 30_000;
const HALF_LINE_CHECKS = 3;

/**
 * A peer whose node lost power never says that it is gone, and the Manager may have forgotten the session long since: TCP
 * looks after it when nothing came for this long.
 */
export const KEEPALIVE_MS = 10_000;

/** What serves a socket. */
export type Handler =
  | { readonly discipline: 'matched'; readonly handle: SocketHandler }
  | { readonly discipline: 'ordered'; readonly handle: OrderedHandler };

/** Sessions are told to the machine; users' connections are not (R23). */
export interface ListenerEvents {
  accepted(socket: string, sourceAddress: string, sourcePort: number, destPort: number): void;
  drained(key: string): void;
  ended(key: string, clean: boolean): void;
}

export class Listener {
  readonly sessions = new Map<string, DestSession>();
  readonly name: string;
  private readonly address: string;
  private readonly port: number;
  private readonly handler: Handler;
  private readonly shared: Shared;
  private readonly events: ListenerEvents;
  private readonly server: Server;
  private readonly isPublic: boolean;
  private halfLineCheck: NodeJS.Timeout | null = null;
  /** Lines read and checks survived without a new one, of connections that hold half a line. */
  private halfLines = new Map<DestSession, { lines: number; checks: number }>();
  private whenEmpty: (() => void) | null = null;

  constructor(name: string, address: string, port: number, handler: Handler, shared: Shared, events: ListenerEvents) {
    this.name = name;
    this.address = address;
    this.port = port;
    this.handler = handler;
    this.shared = shared;
    this.events = events;
    this.isPublic = isPublicPort(port);
    // Half open: whoever sends and then closes its side still gets its answers.
    this.server = createServer(
      { noDelay: true, allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
      (socket) => this.accept(socket),
    );
  }

  /** Resolves when connections are accepted. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: this.address, port: this.port }, () => {
        this.server.on('error', (error) => this.shared.log.warn({ socket: this.name }, error.message));
        resolve();
      });
    });
  }

  /** The port it listens on. */
  get boundPort(): number | null {
    const bound = this.server.address();
    return bound === null || typeof bound === 'string' ? null : bound.port;
  }

  /** Accepts nothing new. On a public port: lets users' requests finish and closes; resolves when that is done. */
  stop(): Promise<void> {
    this.server.close();
    if (!this.isPublic) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenEmpty = resolve;
      for (const session of [...this.sessions.values()]) session.drain();
      this.checkEmpty();
    });
  }

  /** Closes users' connections at once. */
  closeUsers(): void {
    if (!this.isPublic) return;
    for (const session of this.sessions.values()) session.close();
    this.sessions.clear();
    this.checkEmpty();
  }

  /** Ends all connections at once. */
  destroy(): void {
    this.server.close();
    if (this.halfLineCheck !== null) clearInterval(this.halfLineCheck);
    for (const session of this.sessions.values()) session.socket.destroy();
  }

  private accept(socket: Socket): void {
    const sourceAddress = canonicalAddress(socket.remoteAddress ?? '');
    const sourcePort = socket.remotePort;
    if (sourceAddress === null || sourcePort === undefined || !this.makeRoom()) return void socket.destroy();
    const key = sessionKey(sourceAddress, sourcePort, this.address, this.port);
    const { handler } = this;
    const events = {
      drained: () => this.drained(key),
      ended: (clean: boolean) => this.ended(key, session, clean),
    };
    const session: DestSession =
      handler.discipline === 'matched'
        ? new MatchedDestSession(socket, { key }, this.shared, events, handler.handle)
        : new OrderedDestSession(socket, { key }, this.shared, events, handler.handle);
    this.sessions.set(key, session);
    this.halfLineCheck ??= setInterval(() => this.checkHalfLines(), this.shared.halfLineMs / HALF_LINE_CHECKS).unref();
    if (!this.isPublic) this.events.accepted(this.name, sourceAddress, sourcePort, this.port);
  }

  private drained(key: string): void {
    if (!this.isPublic) return this.events.drained(key);
    this.sessions.get(key)?.close();
    this.sessions.delete(key);
    this.checkEmpty();
  }

  private ended(key: string, session: DestSession, clean: boolean): void {
    if (this.sessions.get(key) !== session) return;
    this.sessions.delete(key);
    this.halfLines.delete(session);
    if (this.isPublic) this.checkEmpty();
    else this.events.ended(key, clean);
  }

  private checkEmpty(): void {
    if (this.sessions.size === 0) this.whenEmpty?.();
  }

  private makeRoom(): boolean {
    if (this.sessions.size < CONNECTIONS_MAX) return true;
    for (const session of this.sessions.values())
      if (session.linesRead === 0) {
        session.socket.destroy();
        return true;
      }
    this.shared.log.warn({ socket: this.name }, `${CONNECTIONS_MAX} connections, all in use; one more is refused`);
    return false;
  }

  /** A line that never ends must not keep its connection for ever. */
  private checkHalfLines(): void {
    if (this.sessions.size === 0 && this.halfLineCheck !== null) {
      clearInterval(this.halfLineCheck);
      this.halfLineCheck = null;
    }
    const before = this.halfLines;
    this.halfLines = new Map();
    for (const session of this.sessions.values()) {
      if (!session.holdsHalfLine) continue;
      const seen = before.get(session);
      const checks = seen?.lines === session.linesRead ? seen.checks + 1 : 0;
      if (checks >= HALF_LINE_CHECKS) session.socket.destroy();
      else this.halfLines.set(session, { lines: session.linesRead, checks });
    }
  }
}
