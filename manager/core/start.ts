/**
 * The Manager starts: for the first time, or again (R11, R49, R51).
 *
 * Lives here: what a start sets, and what a restart keeps. Does not live here: reading the journal. After
 * a restart agents are unknown until they register again, connections and operators' requests are gone,
 * and everything else is as it was: exchanges too, which are sent again or run into their deadlines.
 */
import type { Graph } from '../../ssmmp/core/graph.ts';
import { changeText, differenceOf } from '../../ssmmp/core/graph-difference.ts';
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import type { ManagerInput } from './inputs.ts';
import { setStatus } from './instances.ts';
import { adoptGraph } from './operations/adopt.ts';
import { refusals } from './operations/apply.ts';
import type { Turn } from './turn.ts';

/**
 * Ids that are left out when the state comes from a mirror. A mirror is behind by a fraction of a second: what was given
 * in that time is given to nobody again (R11, R12).
 */
export const RESTORED_GAP = { instances: 1_000, messages: 1_000_000, connections: 100_000, events: 1_000 };

export function onStarted(turn: Turn, input: Extract<ManagerInput, { kind: 'manager_started' }>): void {
  const { state, now } = turn;
  state.settings = input.settings;
  state.epoch = Math.max(state.epoch, input.epoch);
  state.timers = scaledTimers(input.settings.timerScale, input.settings.timerPreset);
  state.startedAt = now;
  const wasStopped = state.stopping !== null;
  state.stopping = null;
  if (input.restored !== undefined) leaveGap(turn);
  state.connections.clear();
  for (const key of [...state.rivals.keys()]) turn.clear('rival', key);
  state.rivals.clear();
  state.waiters.clear();
  for (const agent of state.agents.values()) {
    agent.connection = null;
    if (agent.status === 'lost') continue;
    // After an ordered stop nobody is missed: the next start may have fewer nodes.
    if (wasStopped && agent.instances.size === 0) {
      agent.status = 'lost';
      agent.lastHeard = 0;
      continue;
    }
    agent.status = 'unknown';
    // Silence counts from where the grace for coming back ends.
    agent.lastHeard = now - state.timers.lostMs + Math.max(state.timers.agentGraceMs, state.timers.suspectMs);
  }
  for (const instance of state.instances.values()) {
    instance.healthAwaited = false;
    instance.misses = 0;
    if (instance.status === 'on') setStatus(turn, instance, 'unknown', 'the Manager was restarted');
  }
  turn.deadline('beat', '', state.timers.heartbeatMs);
  if (input.outage !== undefined) {
    const ms = now - input.outage.sinceMs;
    turn.event('manager', `${input.outage.why}: nothing was acknowledged for ${ms} ms`, { ms });
  }
  if (input.restored !== undefined) turn.event('manager', input.restored, { restored: true });
  const note = takeGraph(turn, input.graph);
  const { cnapp } = state.graph;
  turn.event('manager', `Manager of ${cnapp} started at ${input.settings.address}, epoch ${state.epoch}`, {
    epoch: state.epoch,
    cnapp,
    address: input.settings.address,
  });
  if (note !== null) turn.event('manager', note);
  turn.flush = true;
}

function leaveGap({ state }: Turn): void {
  state.nextInstanceId += RESTORED_GAP.instances;
  state.nextMessageId += RESTORED_GAP.messages;
  state.lastConnection += RESTORED_GAP.connections;
  state.nextEvent += RESTORED_GAP.events;
}

/**
 * The graph of the file, or the one that was applied since (decision 0007): a file that is as it was at the last start
 * has nothing new to say; one that was edited since is what its author wants. Returns what is worth telling.
 */
function takeGraph(turn: Turn, graph: Graph): string | null {
  const { state } = turn;
  const isEdited = differenceOf(state.startedWith, graph).length > 0;
  state.startedWith = graph;
  const changes = differenceOf(state.graph, graph);
  if (changes.length === 0) return null;
  if (!isEdited)
    return `the graph that was applied last stays; the file is as it was at the last start ('ssmmp apply' takes it): ${changes.length} differences`;
  const isFirst = state.graph.services.length === 0;
  const refused = refusals(turn, changes);
  if (refused.length > 0) return `the graph of the file is not taken: ${refused.join('; ')}`;
  adoptGraph(turn, graph);
  return isFirst ? null : `the graph of the file has changed: ${changes.map(changeText).join(', ')}`;
}
