/**
 * A session seen from the socket that accepted it: requests in, answers out. Also a user's connection on a public
 * socket, which speaks the same lines.
 *
 * Lives here: handing each line to the service's handler and its answer back, limits of one connection. Does not live
 * here: which connections there are (listener.ts) and when one is drained (the machine).
 */
import type { Socket } from 'node:net';
import { encodePart, formatLine, isLineError, responseTypeOf } from '../../protocols/line.ts';
import type { Answer, Logger, OrderedHandler, Reply, SessionInfo, SocketHandler } from '../service.ts';
import { LineConnection } from './line-connection.ts';
import { MessageReader } from './message-reader.ts';

/** Longest request on an edge, in bytes: a user's 64 KiB and what a gateway adds to it. */
export const REQUEST_BYTES_MAX = 72 * 1024;
/** Requests under way on one session beyond which it is not read any further, and below which it is again. */
export const SESSION_IN_FLIGHT_HIGH = 4096;
export const SESSION_IN_FLIGHT_LOW = 2048;

/** What all sessions of an instance have in common. */
export interface Shared {
  readonly log: Logger;
  /** A line may stay unfinished this long. */
  readonly halfLineMs: number;
  /** Requests taken and not answered, requests answered: for health answers (R45). */
  inFlight: number;
  requests: number;
}

/** What a session tells its listener. Each at most once, `ended` last. */
export interface DestEvents {
  /** None is under way any more, after `drain`. */
  drained(): void;
  /** The connection is over; `clean`: the peer closed it and nothing was under way. Not after `close`. */
  ended(clean: boolean): void;
}

/** What both disciplines share. */
export abstract class DestSession extends LineConnection {
  /** Requests taken and not answered. */
  inFlight = 0;
  protected readonly info: SessionInfo;
  protected readonly shared: Shared;
  private readonly events: DestEvents;
  /** Takes no new request. */
  protected draining = false;
  private drainedTold = false;
  private over = false;
  private peerDone = false;
  private cleanEnd = true;
  private paused = false;

  constructor(socket: Socket, info: SessionInfo, shared: Shared, events: DestEvents) {
    super(socket, REQUEST_BYTES_MAX);
    this.info = info;
    this.shared = shared;
    this.events = events;
    socket.on('end', () => this.peerEnded());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.end(this.peerDone && this.inFlight === 0));
  }

  /** Lets requests under way finish; what comes from now on is the plug's to send again elsewhere. */
  drain(): void {
    this.draining = true;
    this.settle();
  }

  override close(): void {
    this.over = true;
    this.draining = true;
    super.close();
  }

  protected begin(): void {
    this.inFlight += 1;
    this.shared.inFlight += 1;
    if (this.inFlight >= SESSION_IN_FLIGHT_HIGH || this.congested) this.pause();
  }

  protected done(): void {
    this.inFlight -= 1;
    this.shared.inFlight -= 1;
    this.shared.requests += 1;
    if (this.paused && this.inFlight <= SESSION_IN_FLIGHT_LOW && !this.congested) this.resume();
    if (this.inFlight === 0 && (this.draining || this.peerDone)) this.settle();
  }

  /** Closes on a peer that does not speak the protocol. */
  protected breakOff(why: string): void {
    if (this.over) return;
    this.shared.log.warn({ session: this.info.key }, why);
    this.end(false);
    this.close();
  }

  protected oversized(): void {
    this.breakOff(`a line over ${REQUEST_BYTES_MAX} bytes; closed`);
  }

  protected uncongested(): void {
    if (this.inFlight <= SESSION_IN_FLIGHT_LOW) this.resume();
  }

  private pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  /** The peer will send nothing more; with requests under way that is no clean end, but they are still answered. */
  private peerEnded(): void {
    this.peerDone = true;
    this.cleanEnd = this.inFlight === 0;
    this.settle();
  }

  private settle(): void {
    if (this.inFlight > 0 || this.over) return;
    if (this.peerDone) {
      this.end(this.cleanEnd);
      this.close();
    } else if (this.draining && !this.drainedTold) {
      this.drainedTold = true;
      this.events.drained();
    }
  }

  private end(clean: boolean): void {
    if (this.over) return;
    this.over = true;
    this.draining = true;
    this.events.ended(clean);
  }
}

/** Requests with a Message_id, answered in any order. */
export class MatchedDestSession extends DestSession {
  private readonly handler: SocketHandler;
  private readonly reader = new MessageReader();
  private replyType = '';
  private replyHeader = '';

  constructor(socket: Socket, info: SessionInfo, shared: Shared, events: DestEvents, handler: SocketHandler) {
    super(socket, info, shared, events);
    this.handler = handler;
  }

  protected line(text: string, from: number, end: number): void {
    if (this.draining) return;
    const request = this.reader.read(text, from, end);
    if (isLineError(request)) {
      this.put(
        `${formatLine('error_response', request.id, ` ~ Status: 400 ~ Line_3: ${encodePart(request.error)}`)}\n`,
      );
      return this.breakOff(`not a message: ${request.error}; closed`);
    }
    this.begin();
    const { id, type } = request;
    let open = true;
    const answer: Answer = (replyType, rest) => {
      if (!open) return;
      open = false;
      if (replyType !== this.replyType) {
        this.replyType = replyType;
        this.replyHeader = `Type: ${replyType} ~ Message_id: `;
      }
      this.put(this.replyHeader + id + rest + '\n');
      this.done();
    };
    let result: Reply | Promise<Reply> | void;
    try {
      result = this.handler(request, this.info, answer);
    } catch (error) {
      return this.fail(error, type, answer);
    }
    if (result === undefined) return;
    if ('then' in result)
      result.then(
        (reply) => answer(reply.type, reply.rest),
        (error: unknown) => this.fail(error, type, answer),
      );
    else answer(result.type, result.rest);
  }

  private fail(error: unknown, type: string, answer: Answer): void {
    this.shared.log.error({ err: describe(error), session: this.info.key, type }, 'a handler failed');
    answer(responseTypeOf(type), ' ~ Status: 500 ~ Line_3: the service failed on this request; its log says why');
  }
}

/** Lines without ids: answered in the order they came. */
export class OrderedDestSession extends DestSession {
  private readonly handler: OrderedHandler;
  /** Answers in the order of their lines; null while one is not there yet. */
  private readonly answers: { text: string | null }[] = [];

  constructor(socket: Socket, info: SessionInfo, shared: Shared, events: DestEvents, handler: OrderedHandler) {
    super(socket, info, shared, events);
    this.handler = handler;
  }

  protected line(text: string, from: number, end: number): void {
    if (this.draining) return;
    const stop = end > from && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    this.begin();
    const place = { text: null as string | null };
    this.answers.push(place);
    const fail = (error: unknown): void => {
      this.shared.log.error({ err: describe(error), session: this.info.key }, 'a handler failed');
      this.fill(place, 'error: the service failed on this request; its log says why');
    };
    try {
      const result = this.handler(text.slice(from, stop), this.info);
      if (typeof result === 'string') this.fill(place, result);
      else result.then((line) => this.fill(place, line), fail);
    } catch (error) {
      fail(error);
    }
  }

  private fill(place: { text: string | null }, line: string): void {
    place.text = line;
    let ready = 0;
    for (const { text } of this.answers) {
      if (text === null) break;
      this.put(`${text}\n`);
      ready += 1;
    }
    this.answers.splice(0, ready);
    for (; ready > 0; ready -= 1) this.done();
  }
}

function describe(error: unknown): { type: string; message: string; stack: string } {
  const known = error instanceof Error ? error : new Error(String(error));
  return { type: known.name, message: known.message, stack: known.stack ?? '' };
}
