/**
 * The one table of timers (R46).
 *
 * Lives here: every duration of the protocol, by name, in milliseconds, with what it is for; other tables of durations
 * to try (presets); the one factor that scales them all; the order among them that keeps recovery sound. Does not live
 * here: who waits for what. Durations that are no part of the protocol (how long an HTTP request of an operator may take, how
 * often a log file is looked at) stand where they are used and are not scaled.
 */

/** Milliseconds, and what the time is for. */
type Row = readonly [ms: number, meaning: string];

const ROWS = {
  heartbeatMs: [500, 'Manager asks each agent for its health this often.'],
  suspectMs: [1500, 'No answer of an agent for this long: suspect.'],
  lostMs: [5000, 'No answer of an agent for this long: lost, its instances may be replaced.'],
  vanishMs: [
    5000,
    'Nodes that fall silent within this time count as vanished together; too many of them and the Manager suspects itself.',
  ],
  agentGraceMs: [3000, "After the Manager's restart agents have this long to register again before they are missed."],
  managerProbeMs: [
    500,
    'The supervisor asks the Manager this often whether it lives; a question that is not answered by then is missed.',
  ],
  managerStartMs: [30000, 'A Manager that was started answers its supervisor within this time, its journal read.'],
  managerEndMs: [400, 'A Manager that its supervisor asks to end has this long before it is killed.'],
  diskRetryMs: [1000, 'A Manager whose disk takes nothing looks this often whether it does again.'],
  settleMs: [250, 'A node that is new waits this long for others to register before something is placed on it.'],
  duplicateProbeMs: [
    1000,
    'The old connection of an address has this long to answer when a second agent registers there (R48).',
  ],
  instanceHealthMs: [1000, 'Manager asks each instance for its health this often.'],
  instanceMissMs: [500, "An instance's answer is missed after this long (R45)."],
  startMs: [10000, 'An instance must be ready this long after its start (R26).'],
  helloMs: [500, 'A program that has said no hello for this long is probed on its sockets (R26).'],
  aliveMs: [1000, 'A program without sockets that says no hello counts as ready after this long (R26).'],
  probeAgainMs: [100, 'A program that says no hello and does not listen yet is probed again after this.'],
  unidentifiedMs: [10000, 'A connection to an agent that has named no instance after this long is closed.'],
  lastWordsMs: [200, 'A process is gone: its agent reads its last messages for at most this long.'],
  adoptedCheckMs: [200, 'An agent looks this often whether the processes it took back still run (R47).'],
  sessionRequestMs: [15000, 'A session_request is answered within this time.'],
  ackMs: [5000, 'A granted session is acknowledged within this time, else it is unconfirmed (R33, R39).'],
  closeMs: [5000, 'An end closes a session within this time of being asked.'],
  closeDrainMs: [
    4000,
    'Requests under way on a session that closes have this long to finish; then it closes, within closeMs.',
  ],
  muteMs: [
    1500,
    'A session that is to close, has requests under way, and from which nothing has come for this long is broken off.',
  ],
  dialMs: [3000, "A plug that was granted a session connects within this time, before the Manager's ackMs is over."],
  sessionRetryFirstMs: [50, 'A plug that got no session asks again at once, then after this, then doubling.'],
  sessionRetryMostMs: [1000, 'Longest wait between two such tries.'],
  hardCloseMs: [1000, 'The other ends have this long to close before a hard shutdown (R34).'],
  gracefulMs: [10000, 'A graceful shutdown may take this long (R31).'],
  endSocketsMs: [5000, 'Of gracefulMs, an instance waits so long for its callers.'],
  endPlugsMs: [2000, 'Of gracefulMs, an instance waits so long for its own sessions.'],
  endServiceMs: [2500, 'Of gracefulMs, an instance waits so long for its files.'],
  gracefulAllMs: [3000, 'A graceful shutdown may take this long when the whole testbed stops.'],
  hardMs: [2000, 'A hard shutdown is answered within this time.'],
  restartFirstMs: [
    200,
    'An instance that ended early is started again at once, the next time after this, then doubling.',
  ],
  restartMostMs: [10000, 'Longest wait between two restarts.'],
  restartWindowMs: [30000, 'At most five restarts of a service in this time, then it is crash-looping.'],
  reconnectFirstMs: [
    50,
    'First wait before a broken connection to an agent or the Manager is tried again (with jitter).',
  ],
  reconnectMostMs: [250, 'Longest wait between two tries.'],
  portQuarantineMs: [5000, 'A port is given again this long after the death of its process is known (R21).'],
  orphanMs: [60000, 'An instance without an agent for this long drains and ends (R47).'],
  idleSessionMs: [30000, 'A plug closes a session that had no request for this long (R35).'],
  tombstoneMs: [30000, "A record of an ended session is kept this long to take the other end's report (R20)."],
  unregisteredMs: [10000, 'A connection to the Manager that registered no agent for this long is closed.'],
  hotMs: [3000, 'Every replica is loaded for this long: one more is started.'],
  policyReportMs: [10000, "A policy of one's own that fails is told of once, then at most this often."],
  coldMs: [15000, 'All replicas are nearly idle for this long: one less.'],
} as const satisfies Readonly<Record<string, Row>>;

export type TimerName = keyof typeof ROWS;
export type Timers = { readonly [name in TimerName]: number };
export const TIMER_NAMES = Object.keys(ROWS) as readonly TimerName[];

/** What a timer is for, in a sentence. */
export function timerMeaning(name: TimerName): string {
  return ROWS[name][1];
}

/** Default durations in milliseconds: the preset `lab`. */
export const DEFAULT_TIMERS = Object.fromEntries(TIMER_NAMES.map((name) => [name, ROWS[name][0]])) as Timers;

/**
 * What the defaults of others feel like: what differs from `lab`. They are durations only; the protocol stays ours.
 *
 * nomad, from its documentation of the server stanza, jobs' `check`, `restart` and `reschedule` stanzas:
 * min_heartbeat_ttl 10s and heartbeat_grace 10s (a node is down after 20 s; there is no suspicion before, ours lies between
 * the two), failover_heartbeat_ttl 5m (after another server leads), checks with interval 10s and timeout 2s as in its
 * examples, kill_timeout 5s, restart delay 15s within an interval of 30m, reschedule delay 30s.
 *
 * kubernetes, from the reference of kubelet, kube-controller-manager and pods: nodeStatusUpdateFrequency 10s,
 * node-monitor-grace-period 40s (50s since 1.32), tolerationSeconds 300 of not-ready and unreachable (so pods are evicted 340 s after
 * the node's last word), probes with periodSeconds 10, timeoutSeconds 1, failureThreshold 3 (as our misses),
 * terminationGracePeriodSeconds 30, crash loop back-off 10 s doubling to 300 s, autoscaler sync period 15s and downscale
 * stabilization 300s. Its unhealthy-zone-threshold of 0.55 is where our 55 % come from.
 */
const PRESETS = {
  lab: {},
  nomad: {
    heartbeatMs: 10_000,
    suspectMs: 15_000,
    lostMs: 20_000,
    vanishMs: 20_000,
    agentGraceMs: 300_000,
    instanceHealthMs: 10_000,
    instanceMissMs: 2_000,
    gracefulMs: 5_000,
    endSocketsMs: 2_500,
    endPlugsMs: 1_000,
    endServiceMs: 1_250,
    restartFirstMs: 15_000,
    restartMostMs: 30_000,
    restartWindowMs: 1_800_000,
  },
  kubernetes: {
    heartbeatMs: 10_000,
    suspectMs: 40_000,
    lostMs: 340_000,
    vanishMs: 40_000,
    agentGraceMs: 40_000,
    instanceHealthMs: 10_000,
    instanceMissMs: 1_000,
    gracefulMs: 30_000,
    restartFirstMs: 10_000,
    restartMostMs: 300_000,
    restartWindowMs: 600_000,
    orphanMs: 600_000,
    hotMs: 15_000,
    coldMs: 300_000,
  },
} as const satisfies Readonly<Record<string, Partial<Timers>>>;

export type TimerPreset = keyof typeof PRESETS;
export const TIMER_PRESETS = Object.keys(PRESETS) as readonly TimerPreset[];

export function isTimerPreset(text: string): text is TimerPreset {
  return Object.hasOwn(PRESETS, text);
}

/** Missed health answers in a row that make an instance hung (R45). */
export const HEALTH_MISSES_MAX = 3;
/** Missed answers in a row that make a Manager hung: its supervisor kills it and starts another. */
export const MANAGER_MISSES_MAX = 5;
/** Restarts within `restartWindowMs` after which a service is crash-looping. */
export const RESTARTS_MAX = 5;
/** Tries with other ports after an `execution_response` 409 (R21). */
export const PORT_TRIES_MAX = 5;
/** A larger share of the nodes, of this many or more, that vanishes within `vanishMs`: the Manager suspects itself. */
export const VANISHED_SHARE_MAX = 0.55;
export const VANISHED_NODES_MIN = 3;
/** An agent that was killed is up and registers within this time, on a machine that is busy. No factor scales it. */
export const AGENT_START_MS = 500;

/** All timers of a preset multiplied by one factor (`SSMMP_TIMER_SCALE`), at least 1 ms each. */
export function scaledTimers(factor: number, preset: TimerPreset = 'lab'): Timers {
  const base: Timers = { ...DEFAULT_TIMERS, ...PRESETS[preset] };
  const entries = TIMER_NAMES.map((name) => [name, Math.max(1, Math.round(base[name] * factor))]);
  return Object.fromEntries(entries) as Timers;
}

/** What must hold among the timers, in words, and whether it does. */
const ORDER: readonly (readonly [law: string, holds: (t: Timers) => boolean])[] = [
  [
    'lostMs > suspectMs + reconnectMostMs + start of an agent: one that is started again is back before it is missed',
    (t) => t.lostMs > t.suspectMs + t.reconnectMostMs + AGENT_START_MS,
  ],
  ['suspectMs > heartbeatMs: an agent is asked before it is suspected', (t) => t.suspectMs > t.heartbeatMs],
  ['vanishMs > heartbeatMs: nodes that go together were heard together', (t) => t.vanishMs > t.heartbeatMs],
  [
    'agentGraceMs > reconnectMostMs + start of an agent: after a restart of the Manager agents have time to come back',
    (t) => t.agentGraceMs > t.reconnectMostMs + AGENT_START_MS,
  ],
  ['orphanMs > lostMs: no instance gives up before its node is lost', (t) => t.orphanMs > t.lostMs],
  [
    'instanceMissMs < instanceHealthMs: an answer is missed before the next is asked for',
    (t) => t.instanceMissMs < t.instanceHealthMs,
  ],
  ['heartbeatMs <= instanceHealthMs: instances are asked on the beat', (t) => t.heartbeatMs <= t.instanceHealthMs],
  ['sessionRequestMs > startMs: a request outlives the start that it waits for', (t) => t.sessionRequestMs > t.startMs],
  ['ackMs > dialMs: a plug gives up before its grant does', (t) => t.ackMs > t.dialMs],
  [
    'closeMs > closeDrainMs: a session has time to close after its requests are done',
    (t) => t.closeMs > t.closeDrainMs,
  ],
  [
    'gracefulMs > endSocketsMs + endPlugsMs + endServiceMs: an instance ends before it is killed',
    (t) => t.gracefulMs > t.endSocketsMs + t.endPlugsMs + t.endServiceMs,
  ],
  ['restartMostMs >= restartFirstMs', (t) => t.restartMostMs >= t.restartFirstMs],
];

/** The laws among the timers that do not hold, in words; none for every preset as it is. A small factor breaks the first ones. */
export function brokenTimerLaws(timers: Timers): string[] {
  return ORDER.filter(([, holds]) => !holds(timers)).map(([law]) => law);
}

/** The smallest factor, in hundredths, with which all laws hold for a preset. */
export function smallestFactor(preset: TimerPreset): number {
  for (let hundredths = 1; hundredths < 100; hundredths += 1)
    if (brokenTimerLaws(scaledTimers(hundredths / 100, preset)).length === 0) return hundredths / 100;
  return 1;
}
