/**
 * One trace out of what several processes saw, in an order that no clock can spoil.
 *
 * Lives here: that. Does not live here: what an entry is, choosing the messages of one session (trace.ts).
 *
 * Theory. Each process stamps what it sees with a clock of its own, in whole milliseconds. Three hops take less than one, and two
 * clocks never agree; on two machines they differ by seconds. Sorted by time, a request could stand behind what it
 * caused. So time only chooses among what may come next. What may come next is Lamport's *happened before*: a process saw
 * its messages in the order in which it wrote them down, and a message is received after it was sent. Agent and Manager both write
 * down their common hop, which ties their orders together: what agent 1 sent before the Manager asked agent 2 stands before it.
 */
import type { TraceEntry } from './trace.ts';

/** What was seen, each list in the order in which its process wrote it. */
export interface TraceParts {
  /** One list an agent. */
  readonly agents: readonly (readonly TraceEntry[])[];
  /** The Manager's; empty where nobody can say it. Then only time orders the messages of two agents. */
  readonly manager: readonly TraceEntry[];
}

/** A message as one process saw it. */
interface Sight {
  readonly entry: TraceEntry;
  /** The same message at the process that sent it: comes first. */
  sent: Sight | null;
  /** The agent's sight is told and the Manager's of the same message is not. */
  isTold: boolean;
  isDone: boolean;
}

/**
 * One trace, every message told once, as its agent saw it; twice where one of them saw it twice. Times may go back by what
 * the clocks differ.
 */
export function mergeTraces({ agents, manager }: TraceParts): TraceEntry[] {
  const parts = [...agents, manager].map((part) => part.map(sightOf));
  tie(parts.slice(0, -1), parts.at(-1) ?? []);
  return merged(parts);
}

function sightOf(entry: TraceEntry): Sight {
  return { entry, sent: null, isTold: true, isDone: false };
}

/** Finds what agents and Manager both saw. */
function tie(agents: readonly (readonly Sight[])[], manager: readonly Sight[]): void {
  const theirs = byMessage(agents.flat().filter(({ entry }) => entry.hop === 'agent-Manager'));
  for (const [message, seenByManager] of byMessage(manager)) {
    const seenByAgent = theirs.get(message) ?? [];
    for (const sight of seenByManager.slice(0, seenByAgent.length)) sight.isTold = false;
    // where one saw it more often (an agent that starts anew says the same again) nobody knows which is which
    if (seenByAgent.length !== seenByManager.length) continue;
    for (const [position, ofManager] of seenByManager.entries()) {
      const ofAgent = seenByAgent[position] as Sight;
      if (ofManager.entry.from === 'Manager') ofAgent.sent = ofManager;
      else ofManager.sent = ofAgent;
    }
  }
}

function byMessage(sights: readonly Sight[]): Map<string, Sight[]> {
  const found = new Map<string, Sight[]>();
  for (const sight of sights) {
    const { from, to, exchange, message } = sight.entry;
    const identity = [from, to, exchange, message].join('\n');
    const same = found.get(identity);
    if (same === undefined) found.set(identity, [sight]);
    else same.push(sight);
  }
  return found;
}

/** Of what may come next, the earliest; of equally early ones, that of the first part. */
function merged(parts: readonly (readonly Sight[])[]): TraceEntry[] {
  const next = parts.map(() => 0);
  const told: TraceEntry[] = [];
  for (;;) {
    let [free, any] = [-1, -1];
    for (const [part, sights] of parts.entries()) {
      const sight = sights[next[part] as number];
      if (sight === undefined) continue;
      if (any === -1 || sight.entry.time < timeOf(any)) any = part;
      if (sight.sent?.isDone !== false && (free === -1 || sight.entry.time < timeOf(free))) free = part;
    }
    // parts that contradict each other (a file that was changed by hand) still come out whole
    const chosen = free === -1 ? any : free;
    if (chosen === -1) return told;
    const sight = parts[chosen]?.[next[chosen] as number] as Sight;
    next[chosen] = (next[chosen] as number) + 1;
    sight.isDone = true;
    if (sight.isTold) told.push(sight.entry);
  }

  function timeOf(part: number): string {
    return parts[part]?.[next[part] as number]?.entry.time ?? '';
  }
}
