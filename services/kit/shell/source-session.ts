/**
 * A session seen from the plug that opened it: requests out, answers in.
 *
 * Lives here: giving a request its id on this session and finding it again by the answer. Does not live here: which
 * session a request takes, deadlines, sending again (plug.ts), and when a session is closed (the machine).
 *
 * Theory. Ids are places in a dense array, used again as soon as they are free; each use adds SLOTS to the id, so that
 * an answer that comes twice meets another id and is dropped. A request that missed its deadline keeps its place until
 * the answer comes or the session ends: its id must not mean another request meanwhile.
 */
import type { Socket } from 'node:net';
import { isLineError, type LineMessage } from '../../protocols/line.ts';
import type { PlugError } from '../service.ts';
import { LineConnection } from './line-connection.ts';
import { MessageReader } from './message-reader.ts';

/** Longest response on an edge, in bytes: a user's 256 KiB and some more. */
export const RESPONSE_BYTES_MAX = 320 * 1024;
/** Requests under way on one session; a power of two. */
export const SLOTS = 4096;
/** Ids stay below this: numbers that V8 keeps as small integers, and short on the wire. */
const ID_MAX = 64 * SLOTS;
/** Requests of one session that missed their deadline and were never answered, at which it counts as broken. */
export const UNANSWERED_MAX = 256;

export type Done = (response: LineMessage | null, error: PlugError | null) => void;

/** Requests of a plug that take effect in the order sent. */
export interface Group {
  readonly affinity: string;
  /** The session its requests under way are on. */
  session: SourceSession | null;
  underWay: number;
  queued: number;
}

/** One request of a plug, from call to answer. An ordered one has its whole line in `rest`. */
export interface Waiting {
  readonly type: string;
  readonly rest: string;
  /** Null once it has been called. */
  done: Done | null;
  /** Tick of the plug's clock at which it is given up. */
  readonly deadline: number;
  readonly group: Group | null;
  /** Place in the order of sending; given when first sent. */
  order: number;
  /** It has been on a session, so it may have taken effect. */
  sent: boolean;
}

/** What a session tells its plug. */
export interface SourceEvents {
  /** A request has its answer (and has been called back). */
  answered(waiting: Waiting): void;
  /** There is room again. */
  roomAgain(): void;
  /** None is under way any more, after `drain`. */
  drained(): void;
  /** The connection is over; not after `close`. */
  ended(clean: boolean): void;
  /** The peer does not speak the protocol. */
  complain(why: string): void;
}

export abstract class SourceSession extends LineConnection {
  readonly key: string;
  /** Requests under way whose callers still wait. */
  live = 0;
  /** Requests given up that are still unanswered. */
  stale = 0;
  /** Requests ever sent; and as the plug's clock saw it last, with the time. */
  sent = 0;
  sentSeen = 0;
  usedAt: number;
  /** Answers ever received; and as the plug's clock saw it last. */
  private received = 0;
  private receivedSeen = 0;
  /** When the plug's clock last saw an answer, or nothing under way. */
  private heardAt: number;
  draining = false;
  /** The part of its plug's requests it is to carry, 0 for unknown; and how far it has got with it (spread.ts). */
  part = 0;
  passed = 0;
  protected readonly events: SourceEvents;
  /** What still comes is not looked at: its requests are under way on another session by now. */
  protected over = false;
  private drainedTold = false;
  private peerDone = false;

  constructor(socket: Socket, key: string, events: SourceEvents, now: number) {
    super(socket, RESPONSE_BYTES_MAX);
    this.key = key;
    this.events = events;
    this.usedAt = now;
    this.heardAt = now;
    socket.on('end', () => {
      this.peerDone = true;
      this.end(this.live === 0);
      this.close();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.end(this.peerDone && this.live === 0));
  }

  /** Is there room for one more request? */
  get hasRoom(): boolean {
    return !this.draining && !this.congested && this.live + this.stale < SLOTS;
  }

  /** Sends; only while `hasRoom`. */
  send(waiting: Waiting): void {
    this.live += 1;
    this.sent += 1;
    waiting.sent = true;
    this.emit(waiting);
  }

  drain(): void {
    this.draining = true;
    this.settle();
  }

  /** The plug's clock starts: what was before it is no silence. */
  hearFrom(now: number): void {
    this.heardAt = now;
  }

  /**
   * The plug's clock: has it been heard of? One that drains, has requests under way and has been silent for `muteMs` is
   * broken off: whoever wanted it closed may know that nobody is there any more (a node that was cut off, or sleeps,
   * breaks no connection), and its requests are safe to send again.
   */
  look(now: number, muteMs: number): void {
    if (this.live === 0 || this.received !== this.receivedSeen) this.heardAt = now;
    this.receivedSeen = this.received;
    if (this.draining && now - this.heardAt >= muteMs) this.breakOff(`silent for ${Math.round(now - this.heardAt)} ms`);
  }

  override close(): void {
    this.over = true;
    this.draining = true;
    super.close();
  }

  /** Gives up what is due at this tick. */
  expire(tick: number, give: (waiting: Waiting) => void): void {
    for (const waiting of this.unanswered())
      if (waiting.done !== null && waiting.deadline <= tick) {
        this.live -= 1;
        this.stale += 1;
        give(waiting);
      }
    if (this.stale >= UNANSWERED_MAX) this.breakOff(`${this.stale} requests were never answered`);
    else this.settle();
  }

  /** What has no answer, in no order. Of a session that is over this is what must be sent again. */
  abstract unanswered(): Iterable<Waiting>;
  protected abstract emit(waiting: Waiting): void;

  protected take(waiting: Waiting, response: LineMessage): void {
    this.received += 1;
    const full = this.live + this.stale === SLOTS;
    const { done } = waiting;
    if (done === null) this.stale -= 1;
    else {
      this.live -= 1;
      waiting.done = null;
      done(response, null);
      this.events.answered(waiting);
    }
    if (full) this.events.roomAgain();
    if (this.draining) this.settle();
  }

  protected breakOff(why: string): void {
    if (this.over) return;
    this.events.complain(why);
    this.end(false);
    this.close();
  }

  protected oversized(): void {
    this.breakOff(`a line over ${RESPONSE_BYTES_MAX} bytes`);
  }

  protected uncongested(): void {
    this.events.roomAgain();
  }

  private settle(): void {
    if (!this.draining || this.live > 0 || this.over || this.drainedTold) return;
    this.drainedTold = true;
    this.events.drained();
  }

  private end(clean: boolean): void {
    if (this.over) return;
    this.over = true;
    this.draining = true;
    this.events.ended(clean);
  }
}

/** Answers find their requests by Message_id. */
export class MatchedSourceSession extends SourceSession {
  private readonly reader = new MessageReader();
  private readonly slots: (Waiting | null)[] = [];
  private readonly ids: number[] = [];
  private readonly free: number[] = [];
  private type = '';
  private header = '';

  protected emit(waiting: Waiting): void {
    let slot = this.free.pop();
    if (slot === undefined) {
      slot = this.slots.length;
      this.slots.push(waiting);
      this.ids.push(slot + 1);
    } else this.slots[slot] = waiting;
    if (waiting.type !== this.type) {
      this.type = waiting.type;
      this.header = `Type: ${waiting.type} ~ Message_id: `;
    }
    this.put(this.header + (this.ids[slot] as number) + waiting.rest + '\n');
  }

  protected line(text: string, from: number, end: number): void {
    if (this.over) return;
    const response = this.reader.read(text, from, end);
    if (isLineError(response)) return this.breakOff(`not a message: ${response.error}`);
    const slot = (response.id - 1) & (SLOTS - 1);
    const waiting = this.slots[slot];
    // An answer to nothing: a second answer, or an id that was never used.
    if (waiting === undefined || waiting === null || this.ids[slot] !== response.id) return;
    this.slots[slot] = null;
    const next = response.id + SLOTS;
    this.ids[slot] = next > ID_MAX ? slot + 1 : next;
    this.free.push(slot);
    this.take(waiting, response);
  }

  *unanswered(): Iterable<Waiting> {
    for (const waiting of this.slots) if (waiting !== null) yield waiting;
  }
}

/** The n-th line back answers the n-th line sent; the answer's text is the response's `rest`. */
export class OrderedSourceSession extends SourceSession {
  private pending: Waiting[] = [];
  private first = 0;

  protected emit(waiting: Waiting): void {
    this.pending.push(waiting);
    this.put(`${waiting.rest}\n`);
  }

  protected line(text: string, from: number, end: number): void {
    if (this.over) return;
    const waiting = this.pending[this.first];
    if (waiting === undefined) return this.breakOff('a line that answers nothing');
    this.first += 1;
    if (this.first > 1024 || this.first === this.pending.length) {
      this.pending = this.pending.slice(this.first);
      this.first = 0;
    }
    const stop = end > from && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    this.take(waiting, { type: '', id: 0, rest: text.slice(from, stop) });
  }

  unanswered(): Iterable<Waiting> {
    return this.pending.slice(this.first);
  }
}
