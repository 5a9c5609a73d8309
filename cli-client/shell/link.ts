/**
 * Performs the effects of core/exchange.ts: connects, sends lines, reads lines, keeps the one timer. What is repeated and
 * when is decided in the core; where gateways are is asked of a finder, anew for every connection.
 */
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { formatLine, isLineError, parseLine } from '../../services/protocols/line.ts';
import type { UserAnswer, UserRequestFields, UserRequestName } from '../../services/protocols/user.ts';
import {
  RESPONSE_BYTES_MAX,
  USER_REQUESTS,
  parseUserAnswer,
  readCount,
  userRequest,
} from '../../services/protocols/user.ts';
import type { Exchange, ExchangeEffect, ExchangeInput, ExchangeLimits } from '../core/exchange.ts';
import { newExchange, nextExchangeDeadline, stepExchange } from '../core/exchange.ts';
import type { GatewayAddress } from '../core/gateways.ts';
import { formatGateway } from '../core/gateways.ts';
import type { RequestOptions, UserClient } from '../user-client.ts';
import type { GatewayFinder } from './finder.ts';

/** A gateway that takes no connection within this time is as good as one that refuses. */
export const CONNECT_TRY_MS = 2_000;
const FIRST_MESSAGE_ID = 1000;

/** No gateway could be reached, or none answered within the deadlines. */
export class GatewayNotReached extends Error {
  /** `places` says where was looked, in words. */
  constructor(places: string, reason: string) {
    super(`no gateway was reached at ${places}: ${reason}`);
    this.name = 'GatewayNotReached';
  }
}

/** The client was closed while the request was under way. */
export class ClientClosed extends Error {
  constructor() {
    super('the connection was closed by this program');
    this.name = 'ClientClosed';
  }
}

interface Waiting {
  readonly name: UserRequestName;
  readonly line: string;
  answer: UserAnswer<UserRequestName> | null;
  resolve(answer: UserAnswer<UserRequestName>): void;
  reject(error: Error): void;
}

export class Link implements UserClient {
  readonly #finder: GatewayFinder;
  /** Gateways that were tried since the last answer. */
  readonly #tried = new Set<string>();
  readonly #exchange: Exchange;
  readonly #onTrouble: (sentence: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #socket: net.Socket | null = null;
  #nextId = FIRST_MESSAGE_ID;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Infinity;
  #outgoing = '';
  #isClosed = false;
  #opening: { resolve(): void; reject(error: Error): void } | null = null;

  constructor(finder: GatewayFinder, limits: ExchangeLimits, onTrouble: (sentence: string) => void) {
    this.#finder = finder;
    this.#exchange = newExchange(limits);
    this.#onTrouble = onTrouble;
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#input({ type: 'open', nowMs: now() });
    });
  }

  request<N extends UserRequestName>(
    name: N,
    fields: UserRequestFields[N],
    options: RequestOptions = {},
  ): Promise<UserAnswer<N>> {
    if (this.#isClosed) return Promise.reject(new ClientClosed());
    const id = this.#nextId;
    this.#nextId += 1;
    const operationId = USER_REQUESTS[name].changes ? (options.operationId ?? randomUUID()) : '';
    const line = formatLine(name, id, userRequest(name, fields, operationId)) + '\n';
    return new Promise<UserAnswer<UserRequestName>>((resolve, reject) => {
      this.#waiting.set(id, { name, line, answer: null, resolve, reject });
      this.#input({ type: 'request', nowMs: now(), id, repeatsBusy: options.repeatsBusy ?? true });
    }) as Promise<UserAnswer<N>>;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#finder.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.removeAllListeners();
      socket.on('error', () => undefined); // nobody waits for it any more
      socket.end();
      socket.unref();
    }
    this.#opening?.reject(new ClientClosed());
    for (const waiting of this.#waiting.values()) waiting.reject(new ClientClosed());
    this.#waiting.clear();
  }

  #input(input: ExchangeInput): void {
    if (this.#isClosed) return;
    for (const effect of stepExchange(this.#exchange, input)) this.#perform(effect);
    this.#arm();
  }

  #perform(effect: ExchangeEffect): void {
    switch (effect.type) {
      case 'connect':
        this.#finder.find(this.#tried).then(
          (gateway) => (gateway === null ? this.#exhausted(null) : this.#connect(gateway)),
          (error: Error) => this.#exhausted(error.message),
        );
        return;
      case 'send':
        this.#send((this.#waiting.get(effect.id) as Waiting).line);
        return;
      case 'settle': {
        const waiting = this.#forget(effect.id);
        waiting.resolve(waiting.answer as UserAnswer<UserRequestName>);
        return;
      }
      case 'give_up': {
        const waiting = this.#forget(effect.id);
        // A last 503 tells more than our own giving up.
        if (waiting.answer !== null) waiting.resolve(waiting.answer);
        else waiting.reject(new GatewayNotReached(this.#finder.places, effect.reason));
        return;
      }
      case 'disconnect':
        this.#socket?.destroy();
        return;
      case 'opened':
        this.#opening?.resolve();
        this.#opening = null;
        return;
      case 'not_opened':
        this.#opening?.reject(new GatewayNotReached(this.#finder.places, effect.reason));
        this.#opening = null;
        this.close();
    }
  }

  #forget(id: number): Waiting {
    const waiting = this.#waiting.get(id) as Waiting;
    this.#waiting.delete(id);
    return waiting;
  }

  /** All were tried, or none is known: `reason` says why then. */
  #exhausted(reason: string | null): void {
    this.#tried.clear();
    if (reason !== null && !this.#isClosed) this.#onTrouble(`${reason}; trying again`);
    this.#input({ type: 'exhausted', nowMs: now(), reason });
  }

  #connect(gateway: GatewayAddress): void {
    if (this.#isClosed) return;
    const socket = net.connect({ host: gateway.host, port: gateway.port, noDelay: true });
    socket.setEncoding('latin1'); // 7-bit on the wire: anything else shows up as a character that is refused
    this.#socket = socket;
    let partial = '';
    let reason = 'the gateway closed the connection';
    const giveUp = setTimeout(() => {
      reason = `no connection within ${CONNECT_TRY_MS} ms`;
      socket.destroy();
    }, CONNECT_TRY_MS);
    socket.on('connect', () => {
      clearTimeout(giveUp);
      this.#outgoing = '';
      this.#input({ type: 'connected', nowMs: now() });
    });
    socket.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() as string;
      for (const line of lines) this.#read(line);
      if (partial.length > RESPONSE_BYTES_MAX) {
        reason = `the gateway sent a line of more than ${RESPONSE_BYTES_MAX} bytes`;
        socket.destroy();
      }
    });
    socket.on('error', (error: Error) => (reason = error.message));
    socket.on('close', () => {
      clearTimeout(giveUp);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#tried.add(formatGateway(gateway));
      if (this.#waiting.size > 0 || this.#opening !== null) {
        this.#onTrouble(`gateway ${formatGateway(gateway)}: ${reason}; trying again`);
      }
      this.#input({ type: 'broken', nowMs: now(), reason });
    });
  }

  /** Lines of one turn of the event loop leave in one write. */
  #send(line: string): void {
    if (this.#outgoing === '') process.nextTick(() => this.#flush());
    this.#outgoing += line;
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = '';
    if (outgoing !== '') this.#socket?.write(outgoing, 'latin1');
  }

  #read(line: string): void {
    const message = parseLine(line);
    const waiting = this.#waiting.get(message.id);
    if (isLineError(message) || waiting === undefined) {
      if (message.id === 0)
        this.#onTrouble(`the gateway sent a line that cannot be read: ${isLineError(message) ? message.error : ''}`);
      return; // else: the answer to a request that was given up
    }
    const parsed = parseUserAnswer(waiting.name, message);
    const answer = typeof parsed === 'string' ? unreadable(parsed) : parsed;
    waiting.answer = answer;
    this.#tried.clear();
    const waitMs = answer.ok || answer.data === null ? null : readCount(answer.data);
    this.#input({ type: 'answered', nowMs: now(), id: message.id, status: answer.status, waitMs });
  }

  #arm(): void {
    const atMs = nextExchangeDeadline(this.#exchange);
    // A timer that rings too early costs one look; one for each request would cost more.
    if (this.#isClosed || (this.#timer !== null && this.#timerAtMs <= atMs)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = atMs;
    if (atMs === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#input({ type: 'tick', nowMs: now() });
      },
      Math.max(1, atMs - now()),
    );
  }
}

function unreadable(reason: string): UserAnswer<UserRequestName> {
  return { ok: false, status: 500, message: `the gateway's answer cannot be read: ${reason}`, data: null };
}

/** Milliseconds that never jump. */
function now(): number {
  return performance.now();
}
