/**
 * Dialogue: health of agents and of instances. R45, and the agent's states.
 *
 * Lives here: asking, in one common beat, and what silence means. Does not live here: what happens to an
 * instance that is killed for it (shutdown.ts), many nodes that fall silent together (self-doubt.ts).
 *
 *   agent:    registered ⇄ suspect (suspectMs) → lost (lostMs) → registered again
 *   instance: three answers missed in a row: hung, killed at once
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { OVERLOADED } from '../../../ssmmp/core/status.ts';
import { HEALTH_MISSES_MAX } from '../../../ssmmp/core/timers.ts';
import { endInstance, nameOf, refreshReady, serviceOf, setStatus } from '../instances.ts';
import { scaleOnBeat } from '../operations/autoscale.ts';
import { markOutdated } from '../operations/replace.ts';
import { reconcileAll } from '../reconcile.ts';
import { judgeSelf, loseAgent } from '../self-doubt.ts';
import { agentOf, type Agent, type Instance } from '../state.ts';
import type { Turn } from '../turn.ts';
import { killInstance } from './shutdown.ts';

/** One beat: every agent is asked, every instance whose turn it is, and silences are counted. */
export function beat(turn: Turn): void {
  const { state, now } = turn;
  turn.deadline('beat', '', state.timers.heartbeatMs);
  // Whoever hears of this beat may take what it reported before the last one for kept (agent/core/reports.ts).
  turn.flush ||= state.owesFlush;
  state.owesFlush = false;
  judgeSilence(turn);
  for (const agent of state.agents.values()) if (agent.connection !== null) askAgent(turn, agent, agent.connection);
  for (const instance of state.instances.values()) {
    if (instance.status !== 'on' && instance.status !== 'draining') continue;
    if (agentOf(state, instance)?.connection == null) continue;
    if (instance.healthAwaited && now - instance.healthAt >= state.timers.instanceMissMs) miss(turn, instance);
    // Half a beat of slack, so that beats that come a little early do not halve the rate.
    if (now - instance.healthAt + state.timers.heartbeatMs / 2 >= state.timers.instanceHealthMs)
      askHealth(turn, instance);
  }
  scaleOnBeat(turn);
}

/** What the silence of agents means by now. Called on each beat, and between two where one will have been silent too long. */
export function judgeSilence(turn: Turn): void {
  const { state, now } = turn;
  const { suspectMs, lostMs } = state.timers;
  const overdue: Agent[] = [];
  let next = Infinity;
  for (const agent of state.agents.values()) {
    const silentMs = now - agent.lastHeard;
    if (agent.status === 'lost') continue;
    if (agent.status !== 'registered' && silentMs >= lostMs) overdue.push(agent);
    // Never lost at once, however long the silence: it may have been the Manager that slept.
    else if (agent.status === 'registered' && silentMs >= suspectMs) suspect(turn, agent, silentMs);
    const due = agent.lastHeard + (agent.status === 'registered' ? suspectMs : lostMs);
    if (due > now) next = Math.min(next, due);
  }
  if (next < now + state.timers.heartbeatMs) turn.deadline('silence', '', next - now);
  judgeSelf(turn);
  if (state.doubt !== null || overdue.length === 0) return;
  for (const agent of overdue) loseAgent(turn, agent, `silent for ${now - agent.lastHeard} ms`);
  reconcileAll(turn);
}

/** Asks one instance for its health now. */
export function askHealth(turn: Turn, instance: Instance): void {
  if (instance.status !== 'on' && instance.status !== 'draining') return;
  const id = turn.messageId();
  instance.healthId = id;
  instance.healthAt = turn.now;
  instance.healthAwaited = true;
  turn.sendTo(
    agentOf(turn.state, instance),
    {
      type: 'service_instance_health_request',
      message_id: id,
      sub_type: turn.subType('service_instance_health_request'),
      service_instance_id: instance.id,
      service_instance_network_address: instance.address,
    },
    false,
  );
}

/** Any answer means alive, a late one too; 404 comes from an agent that does not know the instance. */
export function onInstanceHealth(turn: Turn, agent: Agent, message: Message<'service_instance_health_response'>): void {
  const instance = turn.state.instances.get(message.service_instance_id);
  if (instance === undefined || instance.agent !== agent.key || message.message_id > instance.healthId) return;
  if (message.status === 404) return endInstance(turn, instance, 'unasked', 'its agent does not know it');
  if (message.message_id === instance.healthId) instance.healthAwaited = false;
  instance.misses = 0;
  const changed = instance.health !== message.status || instance.refused;
  instance.refused = false;
  instance.health = message.status;
  instance.load = numberOf(message.x?.x_load);
  instance.inFlight = numberOf(message.x?.x_in_flight);
  const requests = numberOf(message.x?.x_requests);
  if (requests !== instance.requests) instance.usedAt = turn.now;
  instance.requests = requests;
  const service = serviceOf(turn, instance.service);
  if (service?.crashLooping === true && turn.now - instance.since >= turn.state.timers.restartMostMs) {
    service.crashLooping = false;
    service.failures = [];
  }
  if (!changed) return;
  if (message.status === OVERLOADED)
    turn.event('instance', `${nameOf(instance)} is overloaded`, { service_instance_id: instance.id, status: 199 });
  refreshReady(turn, instance);
}

export function onAgentHealth(turn: Turn, agent: Agent, message: Message<'agent_health_control_response'>): void {
  if (agent.health === message.status) return;
  agent.health = message.status;
  turn.event('agent', `${agent.address} says ${message.status}`, {
    agent_network_address: agent.address,
    status: message.status,
  });
  if (message.status === 200) reconcileAll(turn);
}

/** Anything that comes from an agent proves it alive. */
export function hear(turn: Turn, agent: Agent): void {
  agent.lastHeard = turn.now;
  if (agent.status === 'suspect' && agent.connection !== null) backInContact(turn, agent);
}

/** Gives an agent the status `registered` and its instances their own status again. */
export function backInContact(turn: Turn, agent: Agent): void {
  const before = agent.status;
  agent.status = 'registered';
  for (const id of agent.instances) {
    const instance = turn.state.instances.get(id);
    if (instance === undefined) continue;
    instance.misses = 0;
    instance.healthAwaited = false;
    if (instance.status === 'unknown') setStatus(turn, instance, 'on', 'its agent is back');
    else refreshReady(turn, instance);
    const service = serviceOf(turn, instance.service);
    if (service !== null) markOutdated(turn.state, service);
  }
  if (before === 'suspect') turn.event('agent', `${agent.address} suspect → registered`, statusData(agent));
  if (turn.state.doubt !== null) judgeSelf(turn);
  // Nodes come together: what is started in a moment is spread over all of them.
  if (!turn.state.deadlines.has('settle/')) turn.deadline('settle', '', turn.state.timers.settleMs);
}

function askAgent(turn: Turn, agent: Agent, connection: number): void {
  const message_id = turn.messageId();
  const type = 'agent_health_control_request';
  turn.send(
    connection,
    { type, message_id, sub_type: turn.subType(type), agent_network_address: agent.address },
    false,
  );
}

function suspect(turn: Turn, agent: Agent, silentMs: number): void {
  agent.status = 'suspect';
  turn.event('agent', `${agent.address} registered → suspect: silent for ${silentMs} ms`, statusData(agent));
  for (const id of agent.instances) {
    const instance = turn.state.instances.get(id);
    if (instance?.status === 'on') setStatus(turn, instance, 'unknown', 'its agent is suspect');
  }
}

function miss(turn: Turn, instance: Instance): void {
  instance.healthAwaited = false;
  instance.misses += 1;
  if (instance.misses < HEALTH_MISSES_MAX) return;
  killInstance(turn, instance, `hung: ${instance.misses} health requests unanswered`, 'now');
}

function statusData(agent: Agent): Record<string, string> {
  return { agent_network_address: agent.address, status: agent.status };
}

function numberOf(contents: string | undefined): number | null {
  const value = contents === undefined || contents === '' ? NaN : Number(contents);
  return Number.isFinite(value) && value >= 0 ? value : null;
}
