/**
 * What the effects of the three machines do in a small world: what a shell does, without anything real.
 *
 * Lives here: performing. Does not live here: what arrives (play.ts). What takes time goes into a queue; what does not is done
 * here and now. Health requests are left unanswered: silence is legal, and short here.
 */
import type { AgentEffect } from '../../agent/core/effects.ts';
import type { AgentSettings } from '../../agent/core/inputs.ts';
import type { ManagerEffect } from '../../manager/core/effects.ts';
import { readArguments } from '../../services/kit/core/arguments.ts';
import type { InstanceEffect } from '../../services/kit/core/effects.ts';
import { initialState } from '../../services/kit/core/state.ts';
import type { AgentInput } from '../../agent/core/inputs.ts';
import type { ManagerInput } from '../../manager/core/inputs.ts';
import type { InstanceInput, Side } from '../../services/kit/core/inputs.ts';
import type { Memory } from './memory.ts';
import type { SmallAgent, SmallInstance, World } from './world.ts';

/** Orders of grant, drain and crash are told of instances of this service. */
export const WATCHED = 'front';
const GRANT = new RegExp(`^type: session_response .*dest_service_name: ${WATCHED} .*status: 200`);

/** What of interest happened in a move: a grant, a drain, a crash. */
export type Mark = 'g' | 'd' | 'c';

/** An input without its time. */
export type Without<Input> = Input extends unknown ? Omit<Input, 'at'> : never;

/** Where effects are performed (play.ts). */
export interface Stage {
  readonly memory: Memory;
  readonly world: World;
  readonly marks: Set<Mark>;
  manager(input: Without<ManagerInput>): void;
  agent(node: number, input: Without<AgentInput>): void;
  instance(id: number, input: Without<InstanceInput>): void;
  find(id: number): SmallInstance | undefined;
  change(instance: SmallInstance): void;
  push(queue: string, event: string): void;
  die(id: number, code: number | null, signal: string | null): void;
  closeEnd(side: Side, key: string, clean: boolean): void;
}

/** What the Manager wants done. */
export function performManager(play: Stage, effect: ManagerEffect): void {
  const { world } = play;
  switch (effect.kind) {
    case 'send':
      if (effect.line.includes('_health_') || !isLink(world, effect.connection)) return;
      if (GRANT.test(effect.line)) play.marks.add('g');
      return play.push(`a${effect.connection}`, effect.line);
    case 'close':
      if (!isLink(world, effect.connection)) return;
      world.queues.delete(`m${effect.connection}`);
      play.push(`a${effect.connection}`, 'closed');
      return play.manager({ kind: 'connection_closed', connection: effect.connection, why: effect.why });
    case 'event': {
      const { service_name: service, status } = effect.event.data;
      if (service === WATCHED && status === 'draining') play.marks.add('d');
      return;
    }
    case 'reply':
      return;
  }
}

/** What the agent of a node wants done. */
export function performAgent(play: Stage, node: number, effect: AgentEffect): void {
  const { world, memory } = play;
  const agent = world.agents[node] as SmallAgent;
  switch (effect.kind) {
    case 'connect_manager': {
      const connection = (world.nextConnection += 1);
      world.agents[node] = { ...agent, link: connection };
      const { address } = memory.settings[node] as AgentSettings;
      play.manager({ kind: 'connection_opened', connection, address });
      return play.agent(node, { kind: 'manager_connected', connection });
    }
    case 'send':
      if (effect.connection === agent.link) return play.push(`m${effect.connection}`, effect.line);
      if (world.instances.some(({ connection }) => connection === effect.connection))
        play.push(`i${effect.connection}`, effect.line);
      return;
    case 'close':
      if (effect.connection === agent.link) {
        world.agents[node] = { ...agent, link: 0 };
        world.queues.delete(`a${effect.connection}`);
        return play.push(`m${effect.connection}`, 'closed');
      }
      world.queues.delete(`x${node}.${effect.connection}`);
      if (world.instances.some(({ connection }) => connection === effect.connection))
        play.push(`i${effect.connection}`, 'closed');
      return;
    case 'probe_ports': {
      const { instance, run } = effect;
      return play.agent(node, { kind: 'ports_probed', instance, run, taken: [] });
    }
    case 'spawn': {
      const { instance, run, service, args } = effect;
      const settings = readArguments(args, 1);
      if (typeof settings === 'string') throw new Error(settings);
      const cell = memory.instances.keep(initialState(settings));
      world.instances.push({ id: instance, service, node, run, cell, connection: 0, booted: false });
      play.push(`p${instance}`, 'boot');
      return play.agent(node, { kind: 'process_started', instance, run, pid: 1000 + instance, startTime: '1' });
    }
    case 'kill':
      return play.die(effect.instance, null, effect.signal);
    case 'check_process': {
      const { instance: id, run } = effect;
      const instance = play.find(id);
      if (instance !== undefined) play.change({ ...instance, run });
      return play.agent(node, { kind: 'process_checked', instance: id, run, alive: instance !== undefined });
    }
    case 'probe_sockets': {
      const { instance, run } = effect;
      const accepting = play.find(instance)?.booted === true;
      return play.agent(node, { kind: 'sockets_probed', instance, run, accepting });
    }
    case 'remember':
      world.agents[node] = { ...agent, disk: memory.words.number(JSON.stringify(effect.state)) };
      return;
    case 'trace':
    case 'log':
    case 'stop':
      return;
  }
}

/** What an instance wants done. */
export function performInstance(play: Stage, id: number, effect: InstanceEffect): void {
  const { world } = play;
  const instance = play.find(id);
  if (instance === undefined) return;
  switch (effect.kind) {
    case 'connect_agent': {
      const connection = (world.nextConnection += 1);
      play.change({ ...instance, connection });
      const { address } = play.memory.settings[instance.node] as AgentSettings;
      play.agent(instance.node, { kind: 'connection_opened', connection, address });
      return play.instance(id, { kind: 'agent_connected' });
    }
    case 'close_agent':
      return play.push(`x${instance.node}.${instance.connection}`, 'closed');
    case 'send':
      return play.push(`x${instance.node}.${instance.connection}`, effect.line);
    case 'dial':
      return play.push(`d${id}.${effect.opening}`, `${effect.sourcePort} ${effect.destAddress} ${effect.destPort}`);
    case 'abandon_dial':
      return void world.queues.delete(`d${id}.${effect.opening}`);
    case 'drain':
      return play.push(`s${id}.${effect.side}.${effect.key}`, 'drained');
    case 'close_session':
      world.queues.delete(`s${id}.${effect.side}.${effect.key}`);
      return play.closeEnd(effect.side, effect.key, true);
    case 'check_need':
      if (world.budget.needs === 0) return;
      world.budget = { ...world.budget, needs: world.budget.needs - 1 };
      return play.instance(id, { kind: 'session_needed', plug: effect.plug });
    case 'check_idle':
      return play.instance(id, { kind: 'idle_checked', key: effect.key, idleMs: 0 });
    case 'measure':
      return play.instance(id, { kind: 'measured', load: { utilization: 0, lagMs: 0, inFlight: 0, requests: 0 } });
    case 'stop_listening':
      return play.instance(id, { kind: 'users_drained' });
    case 'stop_service':
      return play.instance(id, { kind: 'service_stopped' });
    case 'exit':
      return play.die(id, effect.code, null);
    case 'use_session':
    case 'spread':
    case 'no_session':
    case 'close_users':
    case 'log':
      return;
  }
}

function isLink({ agents }: World, connection: number): boolean {
  return agents.some(({ link }) => link === connection);
}
