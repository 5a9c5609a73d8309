/**
 * How many sessions a plug wants.
 *
 * Lives here: the number, from what the Manager tells (x_replicas of a session_response) and from how crowded the plug
 * is. Does not live here: opening one (session-open.ts), which request takes which session (the shell), letting go of
 * the ones too many: they get no request any more, and the idle close takes them (session-close.ts).
 *
 * A plug that has no session opens one, whatever it knew before, and learns the rest from the answer: the service may
 * have been scaled meanwhile, or stopped. Where the Manager tells nothing (`--strict-1.1`, and a single replica) a plug
 * has one session, and another one only when the shell finds it crowded.
 */
import type { Message } from '../../../../ssmmp/core/catalog.ts';
import type { InstanceState, PlugState } from '../state.ts';
import type { Turn } from '../turn.ts';

/** Sessions one plug has at most. The Manager counts on the same number. */
export const SESSIONS_PER_PLUG_MAX = 8;

/** Sessions of a plug that take requests, and those being opened. */
export function sessionsOf(state: InstanceState, plug: string): number {
  let count = 0;
  for (const session of state.sources.values()) if (session.plug === plug && session.closing === null) count += 1;
  for (const opening of state.openings.values()) if (opening.plug === plug) count += 1;
  return count;
}

/** Sessions to ask for now. */
export function missingSessions(state: InstanceState, plug: PlugState, atLeast: number): number {
  const have = sessionsOf(state, plug.plug);
  if (have === 0) return 1;
  return Math.min(Math.max(plug.replicas, atLeast), SESSIONS_PER_PLUG_MAX) - have;
}

/** Notes how many replicas a grant tells of; no such line means one. */
export function noteReplicas(turn: Turn, plug: PlugState, message: Message<'session_response'>): void {
  const told = message.x?.x_replicas ?? '';
  const replicas = /^[1-9]\d{0,8}$/.test(told) ? Math.min(Number(told), SESSIONS_PER_PLUG_MAX) : 1;
  if (replicas === plug.replicas) return;
  plug.replicas = replicas;
  turn.do({ kind: 'spread', plug: plug.plug, sessions: replicas });
}
