/**
 * The way of a request through an instance: in on a socket or from a user, out on a plug, the answer back.
 *
 * Lives here: a small model of the kit's data path (services/kit/shell): plugs with a queue, sessions, requests that are
 * sent again when a session breaks. Does not live here: sessions' lives (the machine), what a store keeps
 * (shared-disk.ts). A request is a number, the operation it stands for; a service passes it on over one of its plugs, a
 * store applies it. On a session a request is `? operation`, an answer `! operation status result`.
 */
import { sessionKey } from '../ssmmp/core/address.ts';
import type { Measured, Side } from '../services/kit/core/inputs.ts';
import type { InstanceProcess } from './instance-process.ts';
import type { Connection } from './network.ts';
import { StoreOwner } from './shared-disk.ts';
import type { World } from './world.ts';

/** Who waits for the answer: a user, or a session of a socket. */
type Caller = { readonly user: number } | { readonly key: string };

interface Request {
  readonly operation: number;
  readonly callers: Caller[];
}

interface SourceSession {
  readonly key: string;
  readonly connection: Connection;
  readonly plug: Plug;
  readonly unanswered: Map<number, Request>;
  isDraining: boolean;
  usedAtUs: number;
}

interface DestSession {
  readonly key: string;
  readonly connection: Connection;
  /** Operations taken and not answered. */
  readonly underWay: Set<number>;
  isDraining: boolean;
}

interface Plug {
  readonly name: string;
  readonly waiting: Request[];
  readonly sessions: SourceSession[];
  /** `session_needed` was said, and nothing has come of it yet. */
  isAsked: boolean;
  /** Sessions it should have. */
  spread: number;
}

/** Answers of a data path. */
export const DONE = 200;
const UNAVAILABLE = 503;

export class DataPath {
  readonly plugs = new Map<string, Plug>();
  readonly sources = new Map<string, SourceSession>();
  readonly dests = new Map<string, DestSession>();
  /** The store's side of it; null for a service with plugs. */
  readonly store: StoreOwner | null;
  private readonly dials = new Map<number, Connection>();
  private readonly world: World;
  private readonly process: InstanceProcess;
  /** Users' requests under way. */
  private readonly usersUnderWay = new Set<number>();
  private answered = 0;
  private areUsersStopped = false;

  constructor(world: World, process: InstanceProcess) {
    this.world = world;
    this.process = process;
    const { plugs, serviceName, instanceId } = process.settings;
    for (const { plug } of plugs)
      this.plugs.set(plug, { name: plug, waiting: [], sessions: [], isAsked: false, spread: 1 });
    this.store = plugs.length > 0 ? null : new StoreOwner(world, serviceName, instanceId, process.pid);
  }

  /** A store claims its directory before it listens; false: somebody later has it. */
  claim(): boolean {
    return this.store === null || this.store.claim();
  }

  load(): Measured {
    let inFlight = this.usersUnderWay.size;
    for (const { underWay } of this.dests.values()) inFlight += underWay.size;
    return { utilization: 0, lagMs: this.world.lagMs(this.process.pid), inFlight, requests: this.answered };
  }

  // ---- requests in

  userRequest(user: number, operation: number): void {
    if (this.areUsersStopped) return this.world.users.answer(user, operation, UNAVAILABLE, 0);
    this.usersUnderWay.add(operation);
    this.handle({ operation, callers: [{ user }] });
  }

  line(connection: Connection, end: 0 | 1, line: string): void {
    const [mark, ...words] = line.split(' ');
    const [operation = 0, status = 0, result = 0] = words.map(Number);
    if (end === 1) {
      const session = this.destOf(connection);
      if (mark !== '?' || session === undefined || session.isDraining) return; // its plug sends it again elsewhere
      session.underWay.add(operation);
      return this.handle({ operation, callers: [{ key: session.key }] });
    }
    const session = this.sourceOf(connection);
    const request = session?.unanswered.get(operation);
    if (mark !== '!' || session === undefined || request === undefined) return;
    session.unanswered.delete(operation);
    session.usedAtUs = this.world.nowUs;
    this.answer(request, status, result);
    this.settle(session);
  }

  /** Event `store_synced`: the bytes are on disk; whoever owns the directory still may say so. */
  synced(operations: readonly number[]): void {
    const { store } = this;
    if (store === null) return;
    const results = store.synced(operations);
    if (results === null) return this.world.endProcess(this.process, 1, null); // fenced (R50)
    for (const [operation, result] of results) this.answerEverybody(operation, DONE, result);
  }

  private handle(request: Request): void {
    const { store, process } = this;
    if (store !== null) {
      const known = store.apply(request.operation);
      if (known === null) this.stored.push(request);
      else this.answer(request, DONE, known);
      return;
    }
    const { plugs } = process.settings;
    const plug = this.plugs.get(plugs[request.operation % plugs.length]?.plug ?? '');
    if (plug === undefined) throw new Error(`${process.name} has no plug for operation ${request.operation}`);
    this.submit(plug, request);
  }

  /** Requests of a store whose operations are being written. */
  private readonly stored: Request[] = [];

  private answerEverybody(operation: number, status: number, result: number): void {
    for (let at = this.stored.length - 1; at >= 0; at -= 1) {
      const request = this.stored[at];
      if (request?.operation !== operation) continue;
      this.stored.splice(at, 1);
      this.answer(request, status, result);
    }
  }

  private answer(request: Request, status: number, result: number): void {
    this.answered += 1;
    for (const caller of request.callers)
      if ('user' in caller) {
        this.usersUnderWay.delete(request.operation);
        this.world.users.answer(caller.user, request.operation, status, result, this.process.node);
        if (this.areUsersStopped && this.usersUnderWay.size === 0) this.usersStopped();
      } else {
        const session = this.dests.get(caller.key);
        if (session === undefined) continue;
        session.underWay.delete(request.operation);
        this.world.network.send(session.connection, 1, `! ${request.operation} ${status} ${result}\n`);
        if (session.isDraining && session.underWay.size === 0)
          this.process.soon({ kind: 'session_drained', side: 'dest', key: session.key });
      }
  }

  // ---- requests out

  private submit(plug: Plug, request: Request): void {
    const session = this.usable(plug);
    if (session === null) {
      plug.waiting.push(request);
      return this.ask(plug);
    }
    session.usedAtUs = this.world.nowUs;
    const underWay = session.unanswered.get(request.operation);
    if (underWay !== undefined) {
      // A user asks again, and it came here by another way: the one answer is for both.
      underWay.callers.push(...request.callers);
      return;
    }
    session.unanswered.set(request.operation, request);
    this.world.network.send(session.connection, 0, `? ${request.operation}\n`);
    const usable = plug.sessions.filter(({ isDraining }) => !isDraining).length;
    if (usable < plug.spread) this.process.soon({ kind: 'session_needed', plug: plug.name, atLeast: plug.spread });
  }

  private usable(plug: Plug): SourceSession | null {
    let best: SourceSession | null = null;
    for (const session of plug.sessions)
      if (!session.isDraining && (best === null || session.unanswered.size < best.unanswered.size)) best = session;
    return best;
  }

  private ask(plug: Plug): void {
    if (plug.isAsked || this.usable(plug) !== null) return;
    plug.isAsked = true;
    this.process.soon({ kind: 'session_needed', plug: plug.name, atLeast: 1 });
  }

  private pump(plug: Plug): void {
    const waiting = plug.waiting.splice(0);
    for (const request of waiting) this.submit(plug, request);
  }

  // ---- effects of the machine

  dial(opening: number, sourcePort: number, address: string, port: number): void {
    const connection = this.world.network.connect(this.process, sourcePort, { address, port }, 'session', opening);
    if (connection === null) this.process.soon({ kind: 'dial_failed', opening, why: 'port_in_use' });
    else this.dials.set(opening, connection);
  }

  dialed(connection: Connection): void {
    const opening = connection.ends[0].handle;
    if (this.dials.get(opening) === connection) this.process.tell({ kind: 'dialed', opening });
  }

  dialFailed(connection: Connection, why: 'refused' | 'timeout'): void {
    const opening = connection.ends[0].handle;
    if (this.dials.get(opening) !== connection) return;
    this.dials.delete(opening);
    this.process.tell({ kind: 'dial_failed', opening, why });
  }

  abandonDial(opening: number): void {
    const connection = this.dials.get(opening);
    if (connection !== undefined) this.world.network.abandon(connection);
    this.dials.delete(opening);
  }

  useSession(opening: number, name: string, key: string): void {
    const connection = this.dials.get(opening);
    const plug = this.plugs.get(name);
    if (connection === undefined || plug === undefined) return;
    this.dials.delete(opening);
    const session = { key, connection, plug, unanswered: new Map(), isDraining: false, usedAtUs: this.world.nowUs };
    this.sources.set(key, session);
    plug.sessions.push(session);
    plug.isAsked = false;
    if (!connection.ends[0].isOpen)
      return this.process.soon({ kind: 'session_ended', side: 'source', key, clean: false });
    this.pump(plug);
  }

  /** Who is at the other end of a session of a plug; null when nobody is (any more). */
  peerOf(key: string): InstanceProcess | null {
    const session = this.sources.get(key);
    return session === undefined ? null : (this.world.instances.get(session.connection.ends[1].pid) ?? null);
  }

  spread(name: string, sessions: number): void {
    const plug = this.plugs.get(name);
    if (plug !== undefined) plug.spread = sessions;
  }

  checkNeed(name: string): void {
    const plug = this.plugs.get(name);
    if (plug === undefined) return;
    plug.isAsked = false;
    if (plug.waiting.length > 0) this.ask(plug);
  }

  noSession(name: string, isFinal: boolean): void {
    const plug = this.plugs.get(name);
    if (plug === undefined || !isFinal) return;
    plug.isAsked = false;
    for (const request of plug.waiting.splice(0)) this.answer(request, UNAVAILABLE, 0);
  }

  idleMs(key: string): number | null {
    const session = this.sources.get(key);
    if (session === undefined) return null;
    return session.unanswered.size > 0 ? 0 : Math.floor((this.world.nowUs - session.usedAtUs) / 1000);
  }

  drain(side: Side, key: string): void {
    if (side === 'source') {
      const session = this.sources.get(key);
      if (session === undefined) return;
      session.isDraining = true;
      if (session.unanswered.size > 0) this.ask(session.plug);
      return this.settle(session);
    }
    const session = this.dests.get(key);
    if (session === undefined) return;
    session.isDraining = true;
    if (session.underWay.size === 0) this.process.soon({ kind: 'session_drained', side, key });
  }

  closeSession(side: Side, key: string): void {
    if (side === 'source') {
      const session = this.sources.get(key);
      if (session === undefined) return;
      this.world.network.close(session.connection, 0);
      return this.removeSource(session);
    }
    const session = this.dests.get(key);
    if (session === undefined) return;
    this.dests.delete(key);
    this.world.network.close(session.connection, 1);
  }

  stopUsers(): void {
    this.areUsersStopped = true;
    if (this.usersUnderWay.size === 0) this.usersStopped();
  }

  closeUsers(): void {
    this.usersUnderWay.clear();
    this.usersStopped();
  }

  // ---- connections

  accepted(connection: Connection): void {
    const [from, own] = connection.ends;
    const socket = this.process.settings.sockets.find(({ port }) => port === own.port)?.socket ?? '';
    const key = sessionKey(from.address, from.port, own.address, own.port);
    this.dests.set(key, { key, connection, underWay: new Set(), isDraining: false });
    this.process.tell({
      kind: 'session_accepted',
      socket,
      sourceAddress: from.address,
      sourcePort: from.port,
      destPort: own.port,
    });
  }

  closed(connection: Connection, end: 0 | 1, why: string): void {
    const isPeers = why === 'closed by the peer';
    if (end === 0) {
      const session = this.sourceOf(connection);
      if (session === undefined) return;
      const clean = isPeers && session.unanswered.size === 0;
      this.process.tell({ kind: 'session_ended', side: 'source', key: session.key, clean });
      return this.removeSource(session);
    }
    const session = this.destOf(connection);
    if (session === undefined) return;
    this.dests.delete(session.key);
    const clean = isPeers && session.underWay.size === 0;
    this.process.tell({ kind: 'session_ended', side: 'dest', key: session.key, clean });
  }

  private removeSource(session: SourceSession): void {
    const { plug } = session;
    if (!this.sources.delete(session.key)) return;
    plug.sessions.splice(plug.sessions.indexOf(session), 1);
    plug.waiting.unshift(...session.unanswered.values());
    plug.isAsked = false;
    this.pump(plug);
  }

  private settle(session: SourceSession): void {
    if (session.isDraining && session.unanswered.size === 0)
      this.process.soon({ kind: 'session_drained', side: 'source', key: session.key });
  }

  private usersStopped(): void {
    this.process.soon({ kind: 'users_drained' });
  }

  private sourceOf(connection: Connection): SourceSession | undefined {
    for (const session of this.sources.values()) if (session.connection === connection) return session;
    return undefined;
  }

  private destOf(connection: Connection): DestSession | undefined {
    for (const session of this.dests.values()) if (session.connection === connection) return session;
    return undefined;
  }
}
