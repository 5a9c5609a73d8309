/**
 * The operator port (55570): HTTP and WebSocket on the Manager's address.
 *
 * Lives here: who may ask (host, origin, token), limits and time-outs. Does not live here: what is answered
 * (operator-routes.ts). A browser of this machine can reach the port, so any page it shows could try to: requests under
 * a host name (DNS rebinding) or from another origin are refused before anything is read.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { canonicalAddress, splitAddressPort } from '../../ssmmp/core/address.ts';
import type { Logger } from '../../ssmmp/shell/log.ts';
import { COMMAND_MS } from './commands.ts';
import { serveEvents } from './event-stream.ts';
import { errorBody, sendError, type ErrorBody } from './http-replies.ts';
import { isAuthorized } from './operator-token.ts';
import { queryProblem, ROUTES, sinceOf, type OperatorSources, type Route } from './operator-routes.ts';

/** Connections at most; for one more the oldest goes that has not shown the token, else the new one. */
export const OPERATOR_CONNECTIONS_MAX = 128;
/** Watchers of the events at most. */
export const STREAMS_MAX = 64;
/** Bytes of a request's head. */
export const HEAD_BYTES_MAX = 16 * 1024;
/** A request's head must be there within this time, */
export const HEAD_MS = 5_000;
/** … all of it within this one, */
export const REQUEST_MS = 10_000;
/** … and a kept connection is closed after this silence. */
export const KEEP_ALIVE_MS = 5_000;
/** A connection on which nothing moves, longer than any command takes. */
const SILENT_MS = COMMAND_MS + 5_000;
/** What a watcher of the events may send; it is ignored. */
const CLIENT_MESSAGE_BYTES_MAX = 1024;

const STREAM_PATH = '/v1/events';

export interface OperatorPortOptions {
  readonly address: string;
  readonly port: number;
  readonly token: string;
  readonly sources: OperatorSources;
  readonly log: Logger;
}

export class OperatorPort {
  private readonly options: OperatorPortOptions;
  private readonly server: Server;
  private readonly streams = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: CLIENT_MESSAGE_BYTES_MAX,
  });
  private readonly connections = new Set<Socket>();
  /** Those that have not shown the token, oldest first. */
  private readonly strangers = new Set<Socket>();

  constructor(options: OperatorPortOptions) {
    this.options = options;
    this.server = createServer(
      {
        maxHeaderSize: HEAD_BYTES_MAX,
        headersTimeout: HEAD_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.answer(request, response),
    );
    this.server.setTimeout(SILENT_MS);
    this.server.on('connection', (socket) => this.bound(socket));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  /** Watchers of the events. */
  get streamCount(): number {
    return this.streams.clients.size;
  }

  /** Rejects when the port cannot be had. */
  listen(): Promise<void> {
    const { address, port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: address, port }, () => {
        this.server.off('error', reject);
        this.server.on('error', (error) => this.options.log.warn({ err: error }, 'operator port: trouble'));
        resolve();
      });
    });
  }

  stop(): void {
    this.server.close();
    for (const client of this.streams.clients) client.terminate();
    this.server.closeAllConnections();
  }

  /** Connections that say nothing, or nothing that counts, must not keep operators out. */
  private bound(socket: Socket): void {
    this.connections.add(socket);
    this.strangers.add(socket);
    socket.on('close', () => {
      this.connections.delete(socket);
      this.strangers.delete(socket);
    });
    if (this.connections.size <= OPERATOR_CONNECTIONS_MAX) return;
    const [oldest = socket] = this.strangers;
    this.connections.delete(oldest);
    this.strangers.delete(oldest);
    oldest.destroy();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sources, log } = this.options;
    const url = urlOf(request);
    const route = url === null ? undefined : ROUTES.get(url.pathname);
    const refusal = this.refusal(request, url, route);
    if (refusal !== null) {
      // The body of a refused request is not read.
      if (request.method !== 'GET') response.setHeader('connection', 'close');
      if (refusal.status === 405) response.setHeader('allow', route?.method ?? 'GET');
      return sendError(response, refusal);
    }
    try {
      await (route as Route).answer({ request, response, query: (url as URL).searchParams, sources });
    } catch (error) {
      const problem = queryProblem(error);
      if (problem !== null) return sendError(response, errorBody(400, problem));
      // The client went away in the middle, or the history could not be read.
      if (!response.destroyed) log.warn({ err: error, path: url?.pathname }, 'operator port: a request failed');
      if (response.headersSent) response.destroy();
      else sendError(response, errorBody(500, `the Manager could not answer: ${(error as Error).message}`));
    }
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { sources, log } = this.options;
    socket.on('error', () => socket.destroy());
    const url = urlOf(request);
    const route = url?.pathname === STREAM_PATH ? ROUTES.get(STREAM_PATH) : undefined;
    const refusal = this.refusal(request, url, route) ?? this.streamRefusal(url as URL);
    if (refusal !== null) return refuseUpgrade(socket, refusal);
    request.socket.setTimeout(0);
    this.streams.handleUpgrade(request, socket, head, (client) => {
      serveEvents(client, sources.events, sinceOf((url as URL).searchParams)).catch((error: unknown) => {
        log.warn({ err: error }, 'operator port: a stream of events failed');
        client.terminate();
      });
    });
  }

  /** Why a request is not answered; null when it is. */
  private refusal(request: IncomingMessage, url: URL | null, route: Route | undefined): ErrorBody | null {
    const foreign = this.foreign(request);
    if (foreign !== null) return errorBody(403, foreign);
    if (url === null) return errorBody(400, `'${(request.url ?? '').slice(0, 80)}' is no path`);
    if (route?.isOpen !== true && !isAuthorized(request.headers.authorization, this.options.token))
      return errorBody(
        401,
        "expected the header 'Authorization: Bearer <token>' with the token of <state-dir>/operator-token",
      );
    if (route?.isOpen !== true) this.strangers.delete(request.socket);
    if (route === undefined)
      return errorBody(404, `no path ${url.pathname.slice(0, 80)}; there are ${[...ROUTES.keys()].join(', ')}`);
    if (request.method !== route.method)
      return errorBody(405, `${url.pathname} takes ${route.method}, not ${String(request.method)}`);
    return null;
  }

  private streamRefusal(url: URL): ErrorBody | null {
    try {
      sinceOf(url.searchParams);
    } catch (error) {
      return errorBody(400, queryProblem(error) ?? String(error));
    }
    return this.streams.clients.size >= STREAMS_MAX
      ? errorBody(429, `${STREAMS_MAX} streams of events are open`)
      : null;
  }

  /** Is this a request that a page of another site could have caused? */
  private foreign({ headers }: IncomingMessage): string | null {
    const host = splitAddressPort(headers.host ?? '', 80);
    if (host === null || !(isLoopback(host.address) || host.address === canonicalAddress(this.options.address)))
      return `host '${(headers.host ?? '').slice(0, 80)}': expected the Manager's own address or a loopback address in digits`;
    const { origin } = headers;
    if (origin !== undefined && origin !== `http://${String(headers.host)}`)
      return `origin '${origin.slice(0, 80)}': pages of other sites may not ask`;
    return null;
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function urlOf(request: IncomingMessage): URL | null {
  const path = request.url ?? '';
  return path.startsWith('/') && URL.canParse(path, 'http://manager') ? new URL(path, 'http://manager') : null;
}

function refuseUpgrade(socket: Duplex, error: ErrorBody): void {
  const body = `${JSON.stringify(error)}\n`;
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\nconnection: close\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
