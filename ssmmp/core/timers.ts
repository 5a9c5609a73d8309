/**
 * The one table of timers (R46).
 *
 * Lives here: every duration of the protocol, by name, in milliseconds, and the one factor that scales
 * them all. Does not live here: who waits for what. The order that keeps recovery sound is
 * lost > suspect + longest reconnect + start of an agent.
 */

/** Default durations in milliseconds. */
export const DEFAULT_TIMERS = {
  /** Manager asks each agent for its health this often. */
  heartbeatMs: 500,
  /** No answer of an agent for this long: suspect. */
  suspectMs: 1500,
  /** No answer of an agent for this long: lost, its instances may be replaced. */
  lostMs: 5000,
  /** After the Manager's restart agents have this long to register again before they are missed. */
  agentGraceMs: 3000,
  /** A node that is new waits this long for others to register before something is placed on it. */
  settleMs: 250,
  /** The old connection of an address has this long to answer when a second agent registers there (R48). */
  duplicateProbeMs: 1000,
  /** Manager asks each instance for its health this often. */
  instanceHealthMs: 1000,
  /** An instance's answer is missed after this long (R45). */
  instanceMissMs: 500,
  /** An instance must be ready this long after its start (R26). */
  startMs: 10000,
  /** A program that has said no hello for this long is probed on its sockets (R26). */
  helloMs: 500,
  /** A program without sockets that says no hello counts as ready after this long (R26). */
  aliveMs: 1000,
  /** A program that says no hello and does not listen yet is probed again after this. */
  probeAgainMs: 100,
  /** A connection to an agent that has named no instance after this long is closed. */
  unidentifiedMs: 10000,
  /** A process is gone: its agent reads its last messages for at most this long. */
  lastWordsMs: 200,
  /** An agent looks this often whether the processes it took back still run (R47). */
  adoptedCheckMs: 200,
  /** A session_request is answered within this time. */
  sessionRequestMs: 15000,
  /** A granted session is acknowledged within this time, else it is unconfirmed (R33, R39). */
  ackMs: 5000,
  /** An end closes a session within this time of being asked. */
  closeMs: 5000,
  /** Requests under way on a session that closes have this long to finish; then it closes, within closeMs. */
  closeDrainMs: 4000,
  /** A plug that was granted a session connects within this time, before the Manager's ackMs is over. */
  dialMs: 3000,
  /** A plug that got no session asks again at once, then after this, then doubling. */
  sessionRetryFirstMs: 50,
  /** Longest wait between two such tries. */
  sessionRetryMostMs: 1000,
  /** The other ends have this long to close before a hard shutdown (R34). */
  hardCloseMs: 1000,
  /** A graceful shutdown may take this long (R31). */
  gracefulMs: 10000,
  /** Of it, an instance waits so long for its callers, then for its own sessions, then for its files. */
  endSocketsMs: 5000,
  endPlugsMs: 2000,
  endServiceMs: 2500,
  /** The same when the whole testbed stops. */
  gracefulAllMs: 3000,
  /** A hard shutdown is answered within this time. */
  hardMs: 2000,
  /** An instance that ended early is started again after this: the first try, then doubling. */
  restartFirstMs: 200,
  /** Longest wait between two restarts. */
  restartMostMs: 10000,
  /** At most `RESTARTS_MAX` restarts in this window, then crash-looping. */
  restartWindowMs: 30000,
  /** First wait before a broken connection to an agent or the Manager is tried again (with jitter). */
  reconnectFirstMs: 50,
  /** Longest wait between two tries. */
  reconnectMostMs: 250,
  /** A port is given again this long after the death of its process is known (R21). */
  portQuarantineMs: 5000,
  /** An instance without an agent for this long drains and ends (R47). */
  orphanMs: 60000,
  /** A plug closes a session that had no request for this long (R35). */
  idleSessionMs: 30000,
  /** A record of an ended session is kept this long to take the other end's report (R20). */
  tombstoneMs: 30000,
} as const;

/** Missed health answers in a row that make an instance hung (R45). */
export const HEALTH_MISSES_MAX = 3;
/** Restarts within `restartWindowMs` after which a service is crash-looping. */
export const RESTARTS_MAX = 5;
/** Tries with other ports after an `execution_response` 409 (R21). */
export const PORT_TRIES_MAX = 5;

export type Timers = { readonly [name in keyof typeof DEFAULT_TIMERS]: number };

/** All timers multiplied by one factor (`SSMMP_TIMER_SCALE`), at least 1 ms each. */
export function scaledTimers(factor: number): Timers {
  const entries = Object.entries(DEFAULT_TIMERS).map(([name, ms]) => [name, Math.max(1, Math.round(ms * factor))]);
  return Object.fromEntries(entries) as Timers;
}
