/**
 * The link to the Manager: getting one, losing it, getting the next (R47, R52).
 *
 * Lives here: when to connect, how long to wait, what a lost connection means for what is under way. Does
 * not live here: what is said on it (dialogues/initiation.ts and the others).
 *
 *   checking ─▶ waiting ─▶ connecting ─▶ registering ─▶ registered
 *                  ▲            │             │              │
 *                  └────────────┴─────────────┴──────────────┘  unreached, refused, silent, closed
 */
import { requestRegistration } from './dialogues/initiation.ts';
import { cancelProbing } from './dialogues/execution.ts';
import type { Turn } from './turn.ts';

/** Goes for the Manager at once. */
export function connect(turn: Turn): void {
  const { link } = turn.state;
  if (link.status === 'ended') return;
  link.status = 'connecting';
  turn.effects.push({ kind: 'connect_manager' });
}

export function onManagerConnected(turn: Turn, connection: number): void {
  const { link } = turn.state;
  if (link.status !== 'connecting') return turn.close(connection, 'not wanted any more');
  link.status = 'registering';
  link.connection = connection;
  link.heardAt = turn.at;
  link.asksForHealth = false;
  link.offences = 0;
  requestRegistration(turn);
}

export function onManagerUnreached(turn: Turn, why: string): void {
  const { link } = turn.state;
  if (link.status !== 'connecting') return;
  tell(turn, 'warn', `the Manager cannot be reached: ${why}; trying again until it is there`);
  retry(turn);
}

/** Closes the link and goes on with the next try. */
export function dropLink(turn: Turn, why: string): void {
  const { connection } = turn.state.link;
  if (connection !== null) turn.close(connection, why);
  onLinkLost(turn, why);
}

/**
 * The connection is gone. Requests that came on it cannot be answered any more (R11): a start that is not yet
 * a process is given up, the Manager sends it again (R49); what runs, runs on. Requests and reports of instances are kept.
 */
export function onLinkLost(turn: Turn, why: string): void {
  const { state } = turn;
  const { link } = state;
  if (link.connection === null) return;
  link.connection = null;
  for (const key of state.asked.keys()) turn.clear('asked', key);
  state.asked.clear();
  for (const instance of [...state.instances.values()]) {
    instance.starters = [];
    instance.stoppers = [];
    instance.killers = [];
    instance.held = instance.held.filter(({ message }) => message.type === 'session_response');
    cancelProbing(turn, instance);
  }
  if (link.status === 'ended') return;
  if (link.status === 'registered') turn.log('warn', `the connection to the Manager is gone: ${why}`);
  retry(turn);
}

/** A Manager that asks for the agent's health and then says nothing for `lostMs` is gone, whatever TCP believes. */
export function onSilence(turn: Turn): void {
  const { link, timers } = turn.state;
  if (link.status !== 'registered' || !link.asksForHealth) return;
  const leftMs = link.heardAt + timers.lostMs - turn.at;
  if (leftMs > 0) turn.deadline('silence', '', leftMs);
  else dropLink(turn, `the Manager was silent for ${timers.lostMs} ms`);
}

/** The link's own deadline: try again, or give up waiting for an answer to the registration. */
export function onLinkDue(turn: Turn): void {
  const { link, timers } = turn.state;
  if (link.status === 'waiting') connect(turn);
  else if (link.status === 'registering')
    dropLink(turn, `the Manager did not answer the registration within ${timers.lostMs} ms`);
}

/** Tells people why there is no registration; the same thing once only. */
export function tell(turn: Turn, level: 'warn' | 'error', text: string): void {
  const { link } = turn.state;
  if (link.told !== text) turn.log(level, text);
  link.told = text;
}

/** The link is not wanted any more. */
export function endLink(turn: Turn, why: string): void {
  const { link } = turn.state;
  link.status = 'ended';
  turn.clear('link', '');
  turn.clear('silence', '');
  if (link.connection !== null) turn.close(link.connection, why);
}

/** Waits between `reconnectFirstMs` and a bound that doubles up to `reconnectMostMs`, drawn by lot. */
function retry(turn: Turn): void {
  const { link, timers } = turn.state;
  const boundMs = Math.min(timers.reconnectMostMs, timers.reconnectFirstMs * 2 ** Math.min(link.attempts, 10));
  link.attempts += 1;
  link.status = 'waiting';
  turn.clear('silence', '');
  const spreadMs = Math.max(0, boundMs - timers.reconnectFirstMs);
  turn.deadline('link', '', timers.reconnectFirstMs + Math.round(draw(turn) * spreadMs));
}

/** The next number from 0 to 1 of the generator that the shell's seed started (mulberry32). */
function draw(turn: Turn): number {
  const { state } = turn;
  state.jitter = (state.jitter + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state.jitter ^ (state.jitter >>> 15), state.jitter | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
