/**
 * The client's side of its connection to a gateway, as a pure state machine: which request is sent when, what is sent
 * again after a connection broke or a gateway said 503, and when to give up. In here is no socket, no clock and no
 * content of a request: requests are ids, answers are statuses. The shell (shell/link.ts) performs the effects.
 *
 * Theory. A request whose answer did not come may or may not have taken effect. It is sent again all the same: reads
 * change nothing, and changing requests carry an Operation_id, so that they take effect once. What was under way is sent
 * again in the order it was sent first, because requests that change the same thing take effect in that order. There is
 * one deadline for the whole of a request's life and a shorter one that starts with its first trouble.
 */

/** Deadlines, all in milliseconds. */
export interface ExchangeLimits {
  /** To reach a gateway at all, when the client starts. */
  readonly openMs: number;
  /** From a request's first trouble (a broken connection, 503) until it is given up. */
  readonly repeatMs: number;
  /** From sending a request until it is given up though the connection stands. */
  readonly answerMs: number;
}

export const DEFAULT_LIMITS: ExchangeLimits = { openMs: 5_000, repeatMs: 15_000, answerMs: 30_000 };
/** Waits after all gateways were tried, before they are tried again; the last one stays. */
export const RECONNECT_WAITS_MS: readonly number[] = [50, 100, 200, 250];
/** After a 503 that does not say when to try again. */
export const BUSY_WAIT_MS = 200;

export type ExchangeInput =
  | { readonly type: 'open'; readonly nowMs: number }
  | { readonly type: 'request'; readonly nowMs: number; readonly id: number; readonly repeatsBusy: boolean }
  | { readonly type: 'connected'; readonly nowMs: number }
  /** A try to connect failed, or the connection ended. Another gateway is tried at once. */
  | { readonly type: 'broken'; readonly nowMs: number; readonly reason: string }
  /** There is no gateway that was not tried since the last answer; `reason` where none is known at all. */
  | { readonly type: 'exhausted'; readonly nowMs: number; readonly reason: string | null }
  | {
      readonly type: 'answered';
      readonly nowMs: number;
      readonly id: number;
      readonly status: number;
      /** line 4 of a 503 */
      readonly waitMs: number | null;
    }
  | { readonly type: 'tick'; readonly nowMs: number };

export type ExchangeEffect =
  /** Find a gateway that was not tried since the last answer and connect to it: connected, broken or exhausted. */
  | { readonly type: 'connect' }
  | { readonly type: 'send'; readonly id: number }
  /** The request has its answer: the last one that came. */
  | { readonly type: 'settle'; readonly id: number }
  /** The request is given up; `reason` says what was in the way. */
  | { readonly type: 'give_up'; readonly id: number; readonly reason: string }
  /** The gateway takes requests and answers none: end the connection (which gives `broken`). */
  | { readonly type: 'disconnect' }
  | { readonly type: 'opened' }
  | { readonly type: 'not_opened'; readonly reason: string };

interface Pending {
  /** Sent on the connection that stands; to be sent when there is one; or waiting after a 503 until `dueMs`. */
  state: 'sent' | 'queued' | 'waiting';
  dueMs: number;
  readonly repeatsBusy: boolean;
  giveUpMs: number;
  isInTrouble: boolean;
}

export interface Exchange {
  readonly limits: ExchangeLimits;
  link: 'down' | 'connecting' | 'up';
  /** How often all gateways were tried since an answer came. */
  rounds: number;
  /** When to connect again; Infinity when nothing asks for it. */
  connectAtMs: number;
  /** While the first connection is sought, until when. */
  openUntilMs: number;
  lastReason: string;
  /** No deadline lies before it: so long the pending ones need not be looked through. */
  nextMs: number;
  /** In the order of the first sending. */
  readonly pending: Map<number, Pending>;
}

export function newExchange(limits: ExchangeLimits): Exchange {
  return {
    limits,
    link: 'down',
    rounds: 0,
    connectAtMs: Infinity,
    openUntilMs: Infinity,
    lastReason: '',
    nextMs: Infinity,
    pending: new Map(),
  };
}

/** Changes `exchange` by one input; the effects are to be performed in their order. Never throws. */
export function stepExchange(exchange: Exchange, input: ExchangeInput): ExchangeEffect[] {
  const effects: ExchangeEffect[] = [];
  switch (input.type) {
    case 'open':
      exchange.openUntilMs = input.nowMs + exchange.limits.openMs;
      noteDeadline(exchange, exchange.openUntilMs);
      connectNow(exchange, effects);
      break;
    case 'request':
      ask(exchange, input.id, input.repeatsBusy, input.nowMs, effects);
      break;
    case 'connected':
      exchange.link = 'up';
      exchange.connectAtMs = Infinity;
      if (exchange.openUntilMs !== Infinity) effects.push({ type: 'opened' });
      exchange.openUntilMs = Infinity;
      for (const [id, pending] of exchange.pending) if (pending.state === 'queued') send(id, pending, effects);
      break;
    case 'broken':
      breakDown(exchange, input.reason, input.nowMs);
      if (isWanted(exchange)) connectNow(exchange, effects);
      break;
    case 'exhausted':
      breakDown(exchange, input.reason ?? exchange.lastReason, input.nowMs);
      exchange.rounds += 1;
      if (isWanted(exchange)) waitForAnotherRound(exchange, input.nowMs);
      break;
    case 'answered':
      take(exchange, input.id, input.status, input.waitMs, input.nowMs, effects);
      break;
    case 'tick':
      break;
  }
  passTime(exchange, input.nowMs, effects);
  return effects;
}

/** When to `tick`; a tick may come too early and then does nothing. Infinity when nothing waits. */
export function nextExchangeDeadline(exchange: Exchange): number {
  return exchange.nextMs;
}

function ask(exchange: Exchange, id: number, repeatsBusy: boolean, nowMs: number, effects: ExchangeEffect[]): void {
  const giveUpMs = nowMs + exchange.limits.answerMs;
  const pending: Pending = { state: 'queued', dueMs: 0, repeatsBusy, giveUpMs, isInTrouble: false };
  exchange.pending.set(id, pending);
  noteDeadline(exchange, giveUpMs);
  if (exchange.link === 'up') send(id, pending, effects);
  else {
    trouble(exchange, pending, nowMs);
    if (exchange.link === 'down' && exchange.connectAtMs === Infinity) connectNow(exchange, effects);
  }
}

function take(
  exchange: Exchange,
  id: number,
  status: number,
  waitMs: number | null,
  nowMs: number,
  effects: ExchangeEffect[],
): void {
  exchange.rounds = 0;
  const pending = exchange.pending.get(id);
  if (pending === undefined) return; // given up meanwhile
  const isBusy = status === 503 || status === 504;
  if (isBusy && pending.repeatsBusy) {
    trouble(exchange, pending, nowMs);
    const dueMs = nowMs + (waitMs ?? BUSY_WAIT_MS);
    if (dueMs < pending.giveUpMs) {
      pending.state = 'waiting';
      pending.dueMs = dueMs;
      noteDeadline(exchange, dueMs);
      return;
    }
  }
  exchange.pending.delete(id);
  effects.push({ type: 'settle', id });
}

function breakDown(exchange: Exchange, reason: string, nowMs: number): void {
  exchange.link = 'down';
  exchange.lastReason = reason;
  exchange.connectAtMs = Infinity;
  for (const pending of exchange.pending.values()) {
    trouble(exchange, pending, nowMs);
    if (pending.state === 'sent') pending.state = 'queued';
  }
}

/** Does anything wait for a connection? Else the next request asks for one. */
function isWanted(exchange: Exchange): boolean {
  return exchange.pending.size > 0 || exchange.openUntilMs !== Infinity;
}

function waitForAnotherRound(exchange: Exchange, nowMs: number): void {
  const waitMs = RECONNECT_WAITS_MS[Math.min(exchange.rounds, RECONNECT_WAITS_MS.length) - 1] ?? 0;
  exchange.connectAtMs = nowMs + waitMs;
  noteDeadline(exchange, exchange.connectAtMs);
}

function passTime(exchange: Exchange, nowMs: number, effects: ExchangeEffect[]): void {
  if (nowMs < exchange.nextMs) return;
  if (nowMs >= exchange.openUntilMs) {
    exchange.openUntilMs = Infinity;
    effects.push({ type: 'not_opened', reason: exchange.lastReason || 'no answer' });
  }
  let isDeaf = false;
  for (const [id, pending] of exchange.pending) {
    if (nowMs >= pending.giveUpMs) {
      exchange.pending.delete(id);
      isDeaf ||= exchange.link === 'up' && pending.state === 'sent';
      const reason = exchange.link === 'up' ? 'it took the request but did not answer' : exchange.lastReason;
      effects.push({ type: 'give_up', id, reason: reason || 'no answer' });
    } else if (pending.state === 'waiting' && nowMs >= pending.dueMs) {
      if (exchange.link === 'up') send(id, pending, effects);
      else pending.state = 'queued';
    }
  }
  if (isDeaf) effects.push({ type: 'disconnect' });
  if (nowMs >= exchange.connectAtMs) {
    if (isWanted(exchange)) connectNow(exchange, effects);
    else exchange.connectAtMs = Infinity;
  }
  exchange.nextMs = Math.min(exchange.connectAtMs, exchange.openUntilMs);
  for (const pending of exchange.pending.values()) {
    noteDeadline(exchange, pending.giveUpMs);
    if (pending.state === 'waiting') noteDeadline(exchange, pending.dueMs);
  }
}

function noteDeadline(exchange: Exchange, atMs: number): void {
  if (atMs < exchange.nextMs) exchange.nextMs = atMs;
}

function send(id: number, pending: Pending, effects: ExchangeEffect[]): void {
  pending.state = 'sent';
  effects.push({ type: 'send', id });
}

function trouble(exchange: Exchange, pending: Pending, nowMs: number): void {
  if (pending.isInTrouble) return;
  pending.isInTrouble = true;
  pending.giveUpMs = Math.min(pending.giveUpMs, nowMs + exchange.limits.repeatMs);
  noteDeadline(exchange, pending.giveUpMs);
}

function connectNow(exchange: Exchange, effects: ExchangeEffect[]): void {
  exchange.link = 'connecting';
  exchange.connectAtMs = Infinity;
  effects.push({ type: 'connect' });
}
