/**
 * The paths of the operator port.
 *
 * Lives here: which path answers what, and its query. Does not live here: who may ask (operator-port.ts), how a
 * list is made (the core's views.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ManagerState } from '../core/state.ts';
import {
  gatewaysView,
  instancesView,
  nodesView,
  readyView,
  servicesView,
  sessionsView,
  timersView,
} from '../core/views.ts';
import { readCommand, type CommandReply, type Commands } from './commands.ts';
import type { EventLog } from './event-log.ts';
import { traceSince, type ReadHistory } from './history.ts';
import { BODY_BYTES_MAX, errorBody, readBody, sendError, sendJson, sendList, sendText } from './http-replies.ts';
import type { Metrics } from './metrics.ts';
import type { PolicyRunner } from './policy-oracle.ts';

/** What the operator port reads and where it sends commands. */
export interface OperatorSources {
  state(): ManagerState;
  readonly events: EventLog;
  readonly history: ReadHistory;
  readonly metrics: Metrics;
  readonly commands: Commands;
  readonly policies: Pick<PolicyRunner, 'load' | 'keep'>;
  /** Why the Manager cannot go on; null while it can. */
  failure(): string | null;
}

/** One request and where its answer goes. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly sources: OperatorSources;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Answered without a token. */
  readonly isOpen: boolean;
  answer(call: Call): void | Promise<void>;
}

const LISTS = {
  nodes: nodesView,
  services: servicesView,
  instances: instancesView,
  sessions: sessionsView,
  gateways: gatewaysView,
  timers: timersView,
} as const satisfies Record<string, (state: ManagerState, all?: boolean) => unknown[]>;

/** A query that cannot be read; its text is for the person who sent it. */
class QueryError extends Error {}

export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/livez', open(({ response }) => sendJson(response, 200, { status: 'alive' }))],
  ['/readyz', open(answerReady)],
  [
    '/metrics',
    open(async ({ response, sources }) =>
      sendText(response, 200, sources.metrics.contentType, await sources.metrics.text()),
    ),
  ],
  ...Object.entries(LISTS).map(([name, view]): [string, Route] => [
    `/v1/${name}`,
    get(({ response, query, sources }) => sendJson(response, 200, view(sources.state(), flagOf(query, 'all')))),
  ]),
  ['/v1/graph', get(({ response, sources }) => sendJson(response, 200, sources.state().graph))],
  [
    '/v1/events',
    get(({ response, query, sources }) =>
      sendList(response, sources.events.since(numberOf(query, 'since') ?? 0), numberOf(query, 'limit') ?? Infinity),
    ),
  ],
  ['/v1/trace', get(answerTrace)],
  ['/v1/commands', { method: 'POST', isOpen: false, answer: answerCommand }],
]);

/** The number of an event to go on after; null when the query has none. Throws what `queryProblem` reads. */
export function sinceOf(query: URLSearchParams): number | null {
  return numberOf(query, 'since');
}

/** The sentence of an error that a query caused; null for any other error. */
export function queryProblem(error: unknown): string | null {
  return error instanceof QueryError ? error.message : null;
}

function answerReady({ response, sources }: Call): void {
  const failure = sources.failure();
  const { ready, reason } = failure === null ? readyView(sources.state()) : { ready: false, reason: failure };
  if (ready) sendJson(response, 200, { status: 'ready', reason });
  else sendError(response, errorBody(503, reason));
}

async function answerTrace({ response, query, sources }: Call): Promise<void> {
  const trace = traceSince(sources.history, {
    sinceMs: timeOf(query, 'since') ?? -Infinity,
    afterRecord: numberOf(query, 'after') ?? 0,
    sharedAddress: sources.state().settings.sharedAddress,
  });
  await sendList(response, trace, numberOf(query, 'limit') ?? Infinity);
}

async function answerCommand({ request, response, sources }: Call): Promise<void> {
  const text = await readBody(request);
  if (text === null) {
    response.setHeader('connection', 'close');
    return sendError(
      response,
      errorBody(413, `the body is longer than ${BODY_BYTES_MAX} bytes`, { max: BODY_BYTES_MAX }),
    );
  }
  const failure = sources.failure();
  if (failure !== null) return sendError(response, errorBody(503, failure));
  const read = readCommand(text);
  if ('error' in read) return sendError(response, read.error);
  if (read.command.command === 'apply') {
    // Policies that do not load change nothing; those that do are ready when the core first asks.
    const problems = await sources.policies.load(read.command.graph.policies);
    if (problems.length > 0) return sendError(response, errorBody(400, problems.join('\n'), { problems }));
  }
  const { status, body }: CommandReply = await sources.commands.ask(read.command);
  sources.policies.keep(sources.state().graph.policies);
  sendJson(response, status, body);
}

function open(answer: Route['answer']): Route {
  return { method: 'GET', isOpen: true, answer };
}

function get(answer: Route['answer']): Route {
  return { method: 'GET', isOpen: false, answer };
}

function flagOf(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true' || text === '') return true;
  throw new QueryError(`?${name}=${text.slice(0, 80)}: expected 1 or 0`);
}

function numberOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw new QueryError(`?${name}=${text.slice(0, 80)}: expected a whole number from 0`);
  return Number(text);
}

/** Milliseconds since 1970, or ISO 8601. */
function timeOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms))
    throw new QueryError(`?${name}=${text.slice(0, 80)}: expected milliseconds since 1970 or 2026-01-31T12:00:00.000Z`);
  return ms;
}
