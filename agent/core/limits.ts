/**
 * Limits of an agent.
 *
 * Lives here: every bound on what strangers, instances and the Manager can make an agent keep, and the ports
 * it uses. Does not live here: durations (ssmmp/core/timers.ts), the size of a message (ssmmp/core/names.ts).
 */

/** Where a Manager listens for agents unless told otherwise. */
export const MANAGER_PORT = 55555;
/** Where an agent listens for the instances of its node; an instance is told only when it is another. */
export const AGENT_PORT = 55556;
/** Where agents that share one address listen, each on the first free one (R16). */
export const SHARED_AGENT_PORTS = { first: 55560, last: 55569 } as const;

/** Instances of one node; beyond it `execution_request` is answered 503 and the agent's health is 199. */
export const INSTANCES_MAX = 1024;
/** Open connections that have named no instance; the oldest one is closed for the next one beyond it. */
export const UNIDENTIFIED_CONNECTIONS_MAX = 512;
/** Session requests one instance may have unanswered; beyond it 429. */
export const REQUESTS_PER_INSTANCE_MAX = 1024;
/** Session requests of all instances together; beyond it 503. */
export const REQUESTS_MAX = 16384;
/** Requests of the Manager that wait for an instance's answer; the oldest is forgotten beyond it (R29). */
export const ASKED_MAX = 16384;
/** Messages that wait for one instance to connect again; the oldest is dropped beyond it. */
export const HELD_PER_INSTANCE_MAX = 128;
/** Ids of instances that have ended, kept so that none is started again; the oldest is forgotten beyond it. */
export const SPENT_MAX = 256;
/** Reports kept for a Manager that is away; the oldest is dropped beyond it. */
export const REPORTS_MAX = 16384;
