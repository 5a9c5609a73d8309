/**
 * What the business logic F of a service sees of the kit: its sockets, its plugs, its log.
 *
 * Lives here: types and the one error. Does not live here: any connection, message of SSMMP or timer; a service written
 * against these types never learns on which node it runs or who is at the other end of a plug.
 *
 * Theory. A service is `A := (IN, F, OUT)`: IN its sockets, OUT its plugs. A handler is F for one socket: it takes a
 * request, may send requests on plugs, and answers. Sessions are not its business: a plug opens one when it needs one,
 * and when the Manager closes it, what was unanswered is sent again on another. So every request may arrive twice, and
 * everything a handler must not lose belongs into a BaaS.
 */
import type { LineMessage } from '../protocols/line.ts';

export type { LineMessage } from '../protocols/line.ts';

/** What a handler answers: the response's type and the raw text behind its Message_id ('' or starting with ' ~ '). */
export interface Reply {
  readonly type: string;
  readonly rest: string;
}

/** Answers one request, at any time, at most once; a second call is ignored. */
export type Answer = (type: string, rest: string) => void;

/**
 * Called for every request on a socket. May answer at once (fast path) or with a promise. A throw is logged and
 * answered 500. A handler that only passes on may instead keep `answer`, return nothing and call it later: that saves
 * the promises of the way back (see Plug.forward).
 *
 * `request.rest` is a slice of the bytes that arrived: who keeps it in memory for long keeps up to 64 KiB around it.
 */
export type SocketHandler = (
  request: LineMessage,
  session: SessionInfo,
  answer: Answer,
) => Reply | Promise<Reply> | void;

/** The same for a socket whose lines carry no id: a line in, a line out, answered in the order they came. */
export type OrderedHandler = (line: string, session: SessionInfo) => string | Promise<string>;

export interface SessionInfo {
  /** 'addr:port-addr:port' (R19). */
  readonly key: string;
}

export interface RequestOptions {
  /** The request is given up this many milliseconds from now; DEFAULT_DEADLINE_MS when missing. Checked every 50 ms. */
  readonly deadlineMs?: number;
  /**
   * Requests of a plug with the same key take effect in the order sent: same session while any is under way, sent
   * again in order when it breaks. Requests without a key, or with different keys, may overtake each other.
   */
  readonly affinity?: string;
}

/** Deadline of a request that names none, in milliseconds. */
export const DEFAULT_DEADLINE_MS = 10_000;

/** A request that could not be answered. */
export class PlugError extends Error {
  /** 503: nobody took it (it surely did not take effect, unless it was sent before). 504: no answer in time (it may have). */
  readonly status: 503 | 504;
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs: number;
  constructor(status: 503 | 504, message: string, retryAfterMs = 1000) {
    super(message);
    this.name = 'PlugError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A plug whose protocol matches responses to requests by Message_id; responses may come in any order. */
export interface Plug {
  /**
   * Sends over a session of this plug, opening one when needed; retries on a new session until the deadline when one
   * breaks or is closed; all requests on edges are safe to send twice (operation ids). The answer's `id` is the
   * session's and means nothing to the caller. Rejects with PlugError.
   */
  request(type: string, rest: string, options?: RequestOptions): Promise<LineMessage>;
  /**
   * The same without promises, for a hop that passes requests on: `done` is called once, with the response or with
   * the error, never before forward has returned.
   */
  forward(
    type: string,
    rest: string,
    done: (response: LineMessage | null, error: PlugError | null) => void,
    options?: RequestOptions,
  ): void;
}

/** A plug whose protocol has no ids: the n-th line back answers the n-th line sent. */
export interface OrderedPlug {
  request(line: string, options?: RequestOptions): Promise<string>;
}

/** JSON lines on stdout, collected by the agent. `obj` are the line's own fields. */
export interface Logger {
  info(obj: object, msg: string): void;
  warn(obj: object, msg: string): void;
  error(obj: object, msg: string): void;
}

/** What an instance is and may use. */
export interface ServiceContext {
  readonly serviceName: string;
  readonly instanceId: number;
  /** The node's network address, the instance's own. */
  readonly address: string;
  /** SSMMP_DATA_DIR; set for a BaaS only. */
  readonly dataDir: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** Names of the sockets and plugs this instance was given, in the order of its arguments. */
  readonly socketNames: readonly string[];
  readonly plugNames: readonly string[];
  /** The plug of that name; the same object each time. Throws where the instance was not given one. */
  plug(name: string): Plug;
  /** The same for a protocol without ids. A plug is used in one of the two ways only. */
  orderedPlug(name: string): OrderedPlug;
  /** Milliseconds since 1970, never going back. */
  now(): number;
  /**
   * This instance may not go on: its data have another owner (R50). Nothing is answered any more, not even what is under
   * way; its sessions break, so that the plugs at their other ends send it again elsewhere; the process ends with exit
   * code 1. `why` is for the log.
   */
  abandon(why: string): void;
}

/** A socket that the service serves itself with net (the gateway's user socket). */
export interface RawSocket {
  /** Take no new work, answer what is under way, close. Resolves when done; the process ends 5 s after the call at the latest. */
  drain(): Promise<void>;
  /** For health answers: requests under way now, requests answered since the start. */
  load(): { inFlight: number; requests: number };
}

export interface ServiceDefinition {
  /** By socket name of the graph. */
  sockets?: Record<string, SocketHandler>;
  /** Sockets whose protocol has no ids. */
  orderedSockets?: Record<string, OrderedHandler>;
  /**
   * Called before the sockets listen and hello is said; a throw ends the process with exit code 1. It must not wait
   * for an answer on a plug: sessions are given to instances that have said hello.
   */
  start?(context: ServiceContext): Promise<void> | void;
  /** Given the port, listens on `context.address`, and says how to stop. */
  rawSockets?: Record<string, (context: ServiceContext, port: number) => Promise<RawSocket>>;
  /** After all sessions are closed, before graceful_shutdown_response: flush and close files. */
  stop?(): Promise<void> | void;
}
