/**
 * The Manager starts: for the first time, or again (R11, R49, R51).
 *
 * Lives here: what a start sets, and what a restart keeps. Does not live here: reading the journal. After
 * a restart agents are unknown until they register again, connections and operators' requests are gone,
 * and everything else is as it was: exchanges too, which are sent again or run into their deadlines.
 */
import { indexGraph } from '../../ssmmp/core/graph.ts';
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import type { ManagerInput } from './inputs.ts';
import { setStatus } from './instances.ts';
import { LeastLoaded } from './policy/balancing.ts';
import type { Turn } from './turn.ts';

export function onStarted(turn: Turn, input: Extract<ManagerInput, { kind: 'manager_started' }>): void {
  const { state, now } = turn;
  state.settings = input.settings;
  state.epoch = Math.max(state.epoch, input.epoch);
  state.graph = input.graph;
  state.index = indexGraph(input.graph);
  state.timers = scaledTimers(input.settings.timerScale);
  state.startedAt = now;
  state.stopping = null;
  state.connections.clear();
  for (const key of [...state.rivals.keys()]) turn.clear('rival', key);
  state.rivals.clear();
  state.waiters.clear();
  for (const { name, replicas } of input.graph.services) {
    const service = state.services.get(name);
    if (service !== undefined) {
      service.floor = Math.max(service.floor, replicas.min);
      service.desired = Math.max(service.desired, service.floor);
    } else
      state.services.set(name, {
        name,
        desired: replicas.min,
        floor: replicas.min,
        prefer: null,
        hotSince: 0,
        coldSince: 0,
        live: new Set(),
        ready: new LeastLoaded(),
        waiting: new Set(),
        failures: [],
        holdUntil: 0,
        crashLooping: false,
      });
  }
  for (const agent of state.agents.values()) {
    agent.connection = null;
    if (agent.status === 'lost') continue;
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
  turn.event('manager', `Manager of ${input.graph.cnapp} started at ${input.settings.address}, epoch ${state.epoch}`, {
    epoch: state.epoch,
    cnapp: input.graph.cnapp,
    address: input.settings.address,
  });
  turn.flush = true;
}
