/**
 * The plugs of an instance as the service sees them, and their sessions as the machine sees them.
 *
 * Lives here: the way from a plug's name to its requests, from a session's key to its connection. Does not live here:
 * a request's way (plug.ts), a session's life (the machine).
 */
import type { Socket } from 'node:net';
import type { PlugSetting } from '../../../ssmmp/core/catalog.ts';
import type { LineMessage, Logger, OrderedPlug, Plug } from '../service.ts';
import type { Dial } from './dialer.ts';
import { PlugSessions } from './plug.ts';
import { MatchedSourceSession, OrderedSourceSession, type SourceSession } from './source-session.ts';

type Discipline = 'matched' | 'ordered';

/** What the plugs tell the machine. */
export interface PlugsEvents {
  needed(plug: string, atLeast: number): void;
  dialed(opening: number, sourcePort?: number): void;
  dialFailed(opening: number, why: 'port_in_use' | 'refused' | 'timeout'): void;
  drained(key: string): void;
  ended(key: string, clean: boolean): void;
}

interface Entry {
  readonly plug: PlugSessions;
  /** Fixed by the first use; matched where a session comes before any use. */
  discipline: Discipline | null;
  matched: Plug | null;
  ordered: OrderedPlug | null;
}

export class Plugs {
  private readonly entries = new Map<string, Entry>();
  private readonly sessions = new Map<string, { session: SourceSession; plug: PlugSessions }>();
  private readonly dials = new Map<number, { forget: () => void; socket: Socket | null }>();
  private readonly log: Logger;
  private readonly now: () => number;
  private readonly events: PlugsEvents;
  private readonly dialer: Dial;

  constructor(
    settings: readonly PlugSetting[],
    dialer: Dial,
    log: Logger,
    now: () => number,
    muteMs: number,
    events: PlugsEvents,
  ) {
    this.dialer = dialer;
    this.log = log;
    this.now = now;
    this.events = events;
    for (const { plug } of settings)
      this.entries.set(plug, {
        plug: new PlugSessions(plug, (atLeast) => events.needed(plug, atLeast), now, muteMs),
        discipline: null,
        matched: null,
        ordered: null,
      });
  }

  matched(name: string): Plug {
    const entry = this.entry(name, 'matched');
    const { plug } = entry;
    return (entry.matched ??= {
      forward: (type, rest, done, options) => plug.submit(type, rest, done, options),
      request: (type, rest, options) =>
        new Promise<LineMessage>((resolve, reject) =>
          plug.submit(
            type,
            rest,
            (response, error) => (response === null ? reject(error as Error) : resolve(response)),
            options,
          ),
        ),
    });
  }

  ordered(name: string): OrderedPlug {
    const entry = this.entry(name, 'ordered');
    const { plug } = entry;
    return (entry.ordered ??= {
      request: (line, options) =>
        new Promise<string>((resolve, reject) =>
          plug.submit(
            '',
            line,
            (response, error) => (response === null ? reject(error as Error) : resolve(response.rest)),
            options,
          ),
        ),
    });
  }

  private entry(name: string, discipline: Discipline): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined)
      throw new Error(
        `this instance has no plug '${name}'; it was given ${[...this.entries.keys()].join(', ') || 'none'}`,
      );
    entry.discipline ??= discipline;
    if (entry.discipline !== discipline)
      throw new Error(`plug '${name}' is in use as ${entry.discipline}; a plug speaks one protocol`);
    return entry;
  }

  /** Effect `dial`. */
  dial(opening: number, sourceAddress: string, sourcePort: number, destAddress: string, destPort: number): void {
    const entry = { forget: () => undefined as void, socket: null as Socket | null };
    this.dials.set(opening, entry);
    entry.forget = this.dialer(sourceAddress, sourcePort, destAddress, destPort, {
      dialed: (socket, seenPort) => {
        entry.socket = socket;
        this.events.dialed(opening, seenPort);
      },
      failed: (why) => {
        this.dials.delete(opening);
        this.events.dialFailed(opening, why);
      },
    });
  }

  /** Effect `abandon_dial`. */
  abandonDial(opening: number): void {
    this.dials.get(opening)?.forget();
    this.dials.delete(opening);
  }

  /** Effect `use_session`: what waits at the plug leaves at once. */
  use(opening: number, name: string, key: string, part = 0): void {
    const socket = this.dials.get(opening)?.socket;
    const entry = this.entries.get(name);
    if (socket === null || socket === undefined || entry === undefined) return;
    this.dials.delete(opening);
    const { plug } = entry;
    const events = {
      answered: plug.answered.bind(plug),
      roomAgain: () => plug.pump(),
      drained: () => this.events.drained(key),
      ended: (clean: boolean) => {
        // The report first: the Manager should know what broke before it is asked for the next.
        this.events.ended(key, clean);
        this.forget(key);
      },
      complain: (why: string) => this.log.warn({ session: key, plug: name }, `${why}; closed`),
    };
    const session: SourceSession =
      entry.discipline === 'ordered'
        ? new OrderedSourceSession(socket, key, events, this.now())
        : new MatchedSourceSession(socket, key, events, this.now());
    session.part = part;
    this.sessions.set(key, { session, plug });
    // Broken between dialing and now: its events have passed, so they are told again.
    if (socket.destroyed) setImmediate(() => socket.emit('close', true));
    plug.add(session);
  }

  /** Effect `drain`. */
  drain(key: string): void {
    const entry = this.sessions.get(key);
    entry?.plug.drain(entry.session);
  }

  /** Effect `close_session`: what is unanswered is sent again on another. */
  close(key: string): void {
    this.sessions.get(key)?.session.close();
    this.forget(key);
  }

  /** Effect `check_idle`; null when there is no such session. */
  idleMs(key: string): number | null {
    const entry = this.sessions.get(key);
    return entry === undefined ? null : entry.plug.idleMs(entry.session);
  }

  /** Effect `spread`. */
  spread(name: string, sessions: number): void {
    this.entries.get(name)?.plug.spreadOver(sessions);
  }

  /** Effect `check_need`. */
  checkNeed(name: string): void {
    this.entries.get(name)?.plug.checkNeed();
  }

  /** Effect `no_session`. */
  refused(name: string, why: string, final: boolean, retryAfterMs: number): void {
    this.entries.get(name)?.plug.refused(why, final, retryAfterMs);
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const opening of [...this.dials.keys()]) this.abandonDial(opening);
    for (const { session } of this.sessions.values()) session.socket.destroy();
    for (const { plug } of this.entries.values()) plug.destroy();
  }

  private forget(key: string): void {
    const entry = this.sessions.get(key);
    if (entry === undefined) return;
    this.sessions.delete(key);
    entry.plug.remove(entry.session);
  }
}
