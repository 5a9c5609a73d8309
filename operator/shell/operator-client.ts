/**
 * The client of the Manager's operator port: HTTP and WebSocket with the cluster's token.
 *
 * Lives here: requests, the event stream, and what a failure means for a person. Does not live here: what is
 * done with the answers.
 */
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import type { Graph } from '../../ssmmp/core/graph.ts';
import type { OperatorEvent } from '../core/event-text.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { ListKind, RowsOf } from '../core/rows.ts';
import { readTraceEntry } from '../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../ssmmp/core/trace.ts';
import { stateFiles } from './settings.ts';
import type { Settings } from './settings.ts';
import { stoppedSupervisorText } from './testbed-processes.ts';

/** A request that is answered at once; a command may take as long as a graceful shutdown. */
const REQUEST_MS_MAX = 5000;
const COMMAND_MS_MAX = 60_000;

/** Events that were sent before an answer are waited for at most this long. */
const CAUGHT_UP_MS_MAX = 500;

/** A stream of events beside a command. */
export interface Following {
  /** Resolves when every event that was sent before this call has come, or the stream is slow or broken. */
  caughtUp(): Promise<void>;
  stop(): void;
}

export interface Readiness {
  readonly isReady: boolean;
  /** What is missing, in the Manager's words. */
  readonly reason: string;
}

export class OperatorClient {
  readonly #settings: Settings;
  readonly #base: string;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#base = joinAddressPort(settings.operator.address, settings.operator.port);
  }

  /** `address:port` of the operator port. */
  get address(): string {
    return this.#base;
  }

  /** The rows of one kind; with `all` those that are over too. */
  async list<K extends ListKind>(kind: K, all = false): Promise<readonly RowsOf[K][]> {
    const value = await this.#get(`/v1/${kind}${all ? '?all=true' : ''}`);
    return this.#arrayOf(value, kind) as readonly RowsOf[K][];
  }

  async graph(): Promise<Graph> {
    return (await this.#get('/v1/graph')) as Graph;
  }

  /** Events with a `seq` above `since`, oldest first. */
  async events(since: number): Promise<OperatorEvent[]> {
    const value = this.#arrayOf(await this.#get(`/v1/events?since=${since}`), 'events');
    return value.map(readEvent).filter((event) => event !== null);
  }

  /** The Manager's own part of the trace. */
  async trace(since: string | null): Promise<TraceEntry[]> {
    const query = since === null ? '' : `?since=${encodeURIComponent(since)}`;
    const value = this.#arrayOf(await this.#get(`/v1/trace${query}`), 'trace');
    return value.map(readTraceEntry).filter((entry) => entry !== null);
  }

  /** Sends a command and gives back what it answers when it is done. */
  async command(
    body: { command: string; [name: string]: unknown },
    timeoutMs = COMMAND_MS_MAX,
  ): Promise<Record<string, unknown>> {
    return (await this.#request('POST', '/v1/commands', body, timeoutMs)) as Record<string, unknown>;
  }

  /** Can a user be served? Never throws: a Manager that does not answer is not ready. */
  async readiness(): Promise<Readiness> {
    try {
      const response = await fetch(`http://${this.#base}/readyz`, { signal: AbortSignal.timeout(1000) });
      return { isReady: response.status === 200, reason: reasonOf(await response.text()) };
    } catch (error) {
      return { isReady: false, reason: `the Manager does not answer (${causeOf(error)})` };
    }
  }

  /**
   * Calls `onEvent` for every event from now on, until the returned function is called. `onEnd` is called once when
   * the stream breaks.
   */
  watch(onEvent: (event: OperatorEvent) => void, onEnd: (error: OperatorError) => void): () => void {
    const headers = { authorization: `Bearer ${this.#token()}` };
    const socket = new WebSocket(`ws://${this.#base}/v1/events`, { headers, handshakeTimeout: REQUEST_MS_MAX });
    let isOver = false;
    const end = (error: OperatorError): void => {
      if (isOver) return;
      isOver = true;
      socket.terminate();
      onEnd(error);
    };
    socket.on('message', (data: Buffer) => {
      const event = readEvent(parsed(data.toString()));
      if (event !== null) onEvent(event);
    });
    socket.on('error', (error) => end(this.#unreachable(causeOf(error))));
    socket.on('close', () => end(this.#unreachable('the event stream ended')));
    return () => {
      isOver = true;
      socket.terminate();
    };
  }

  /**
   * The same for a command that lasts: resolves once the stream is there, so that no event of what is asked next is
   * missed. A stream that breaks later ends quietly; whoever asked something is told by its answer.
   */
  async follow(onEvent: (event: OperatorEvent) => void): Promise<Following> {
    const headers = { authorization: `Bearer ${this.#token()}` };
    const socket = new WebSocket(`ws://${this.#base}/v1/events`, { headers, handshakeTimeout: REQUEST_MS_MAX });
    socket.on('message', (data: Buffer) => {
      const event = readEvent(parsed(data.toString()));
      if (event !== null) onEvent(event);
    });
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', (error) => reject(this.#unreachable(causeOf(error))));
      socket.on('close', () => reject(this.#unreachable('the event stream ended')));
    });
    return {
      caughtUp: () =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, CAUGHT_UP_MS_MAX);
          const done = (): void => {
            clearTimeout(timer);
            resolve();
          };
          // The answer to a ping comes behind every event that was sent before it.
          socket.once('pong', done).once('close', done);
          if (socket.readyState === WebSocket.OPEN) socket.ping();
          else done();
        }),
      stop: () => socket.terminate(),
    };
  }

  async #get(path: string): Promise<unknown> {
    return await this.#request('GET', path, null, REQUEST_MS_MAX);
  }

  async #request(method: string, path: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token()}` };
    if (body !== null) headers['content-type'] = 'application/json';
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
    if (body !== null) init.body = JSON.stringify(body);
    let status: number;
    let text: string;
    try {
      const response = await fetch(`http://${this.#base}${path}`, init);
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw this.#unreachable(causeOf(error));
    }
    if (status >= 200 && status < 300) return parsed(text);
    throw this.#refused(`${method} ${path}`, status, text);
  }

  #refused(sent: string, status: number, text: string): OperatorError {
    const answer = (parsed(text) ?? {}) as { message?: unknown; data?: unknown };
    const message = typeof answer.message === 'string' ? answer.message : text.slice(0, 200) || `status ${status}`;
    if (status === 401 || status === 403) {
      const file = stateFiles.token(this.#settings.stateDir);
      const advice = `The token in ${file} belongs to another cluster than the one at ${this.#base}; give the matching --state-dir and --subnet.`;
      return new OperatorError(EXIT.failed, `${message}. ${advice}`, status);
    }
    return new OperatorError(EXIT.failed, `${message} (${sent} was answered ${status})`, status, answer.data ?? null);
  }

  #unreachable(cause: string): OperatorError {
    const stopped = stoppedSupervisorText(this.#settings.stateDir);
    if (stopped !== null)
      return new OperatorError(
        EXIT.unreachable,
        `the Manager's operator port ${this.#base} does not answer (${cause}); ${stopped}`,
      );
    const message =
      `the Manager's operator port ${this.#base} does not answer (${cause}). Is the cluster up? ` +
      'Start it with `npm start`, look with `ssmmp doctor`, or name another cluster with --subnet and --state-dir.';
    return new OperatorError(EXIT.unreachable, message);
  }

  #token(): string {
    const path = stateFiles.token(this.#settings.stateDir);
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      const message =
        `no operator token at ${path}: no cluster was started from this state directory. ` +
        'Start one with `npm start`, or name the state directory of a running one with --state-dir.';
      throw new OperatorError(EXIT.unreachable, message);
    }
  }

  #arrayOf(value: unknown, what: string): unknown[] {
    if (Array.isArray(value)) return value;
    const message = `the Manager at ${this.#base} answered /v1/${what} with something else than a list; is it another version?`;
    throw new OperatorError(EXIT.failed, message);
  }
}

/** Reads an event, its time as ISO 8601; null when it is none. */
function readEvent(value: unknown): OperatorEvent | null {
  if (typeof value !== 'object' || value === null) return null;
  const { seq, time, text, what, kind = what } = value as Record<string, unknown>;
  if (typeof seq !== 'number' || typeof kind !== 'string') return null;
  const iso = typeof time === 'number' ? new Date(time).toISOString() : String(time);
  return { ...value, seq, kind, time: iso, text: typeof text === 'string' ? text : '' };
}

function reasonOf(text: string): string {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return text.trim();
  const { reason, message } = value as { reason?: unknown; message?: unknown };
  return typeof reason === 'string' ? reason : typeof message === 'string' ? message : text.trim();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // whoever asked says what was expected
  }
}

/** The word that says why a connection failed: `ECONNREFUSED`, `no answer in time`. */
function causeOf(error: unknown): string {
  const { name, message, code, cause } = error as Error & {
    code?: string;
    cause?: { code?: string; message?: string };
  };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? code ?? cause?.message ?? message;
}
