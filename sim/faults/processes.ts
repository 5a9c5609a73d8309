/**
 * Faults of processes: crash, stop and go on, slow starts, starts that fail, overload.
 *
 * Lives here: what happens to one process or to the starts of processes. Does not live here: nodes (nodes.ts).
 */
import type { World } from '../world.ts';
import { chosen, type Done, type Fault, type PlanStep } from './fault.ts';

/** A crash between two effects: the process dies after so many of its next ones. */
const EFFECTS_MAX = 12;
const SECOND_US = 1_000_000;

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'crash an instance',
    lastsUs: [0, 0],
    rate: 0.2,
    begin(world, step) {
      const process = chosen([...world.instances.values()], step.target);
      if (process === null) return null;
      world.killProcess(process.pid);
      return { text: `${process.name} crashes`, undo: null };
    },
  },
  {
    name: 'crash an agent',
    lastsUs: [100_000, 3 * SECOND_US],
    rate: 0.1,
    begin: (world, step) => crashAgent(world, step, false),
  },
  {
    name: 'crash an agent and lose its state file',
    lastsUs: [100_000, 3 * SECOND_US],
    rate: 0.03,
    begin: (world, step) => crashAgent(world, step, true),
  },
  {
    name: 'crash the Manager',
    lastsUs: [100_000, 4 * SECOND_US],
    rate: 0.06,
    begin(world, step) {
      const { manager } = world;
      if (!manager.isAlive) return null;
      if (step.size < 0.5) manager.diesAfterEffects = Math.floor(step.size * 2 * EFFECTS_MAX);
      else world.crashManager();
      return { text: 'the Manager crashes', undo: () => world.restartManager() };
    },
  },
  {
    name: 'stop an instance',
    lastsUs: [300_000, 8 * SECOND_US],
    rate: 0.1,
    begin(world, step) {
      const process = chosen([...world.instances.values()], step.target);
      return process === null || process.isPaused ? null : pause(world, process.pid, process.name);
    },
  },
  {
    name: 'stop an agent',
    lastsUs: [300_000, 8 * SECOND_US],
    rate: 0.06,
    begin(world, step) {
      const agent = chosen(world.agents, step.target);
      return agent === null || agent.isPaused ? null : pause(world, agent.pid, agent.name);
    },
  },
  {
    name: 'stop the Manager',
    lastsUs: [300_000, 8 * SECOND_US],
    rate: 0.04,
    begin(world) {
      const { manager } = world;
      return !manager.isAlive || manager.isPaused ? null : pause(world, manager.pid, 'the Manager');
    },
  },
  {
    name: 'slow starts',
    lastsUs: [2 * SECOND_US, 20 * SECOND_US],
    rate: 0.03,
    begin(world, step) {
      const { starts } = world;
      // Up to 14 s: longer than a start may take (R26).
      starts.slowUs = Math.floor(step.size * step.size * 14 * SECOND_US);
      return { text: `starts take ${Math.round(starts.slowUs / 1000)} ms more`, undo: () => (starts.slowUs = 0) };
    },
  },
  {
    name: 'crash at every start',
    lastsUs: [2 * SECOND_US, 12 * SECOND_US],
    rate: 0.03,
    begin(world, step) {
      const service = chosen(world.options.graph.services, step.target);
      if (service === null) return null;
      const { failing } = world.starts;
      failing.add(service.name);
      return { text: `${service.name} crashes at every start`, undo: () => failing.delete(service.name) };
    },
  },
  {
    name: 'overload an instance',
    lastsUs: [SECOND_US, 8 * SECOND_US],
    rate: 0.06,
    begin(world, step) {
      const process = chosen([...world.instances.values()], step.target);
      if (process === null) return null;
      const { lagging } = world.starts;
      lagging.add(process.pid);
      return { text: `${process.name} is overloaded`, undo: () => lagging.delete(process.pid) };
    },
  },
  {
    name: 'end an agent by SIGTERM',
    lastsUs: [100_000, 5 * SECOND_US],
    rate: 0.04,
    begin(world, step) {
      const agent = chosen(world.agents, step.target);
      if (agent === null || agent.isPaused || !agent.hasBegun) return null;
      agent.stop();
      return { text: `${agent.name} is sent a SIGTERM`, undo: () => world.restartAgent(agent.node) };
    },
  },
  {
    name: 'end an instance by SIGTERM',
    lastsUs: [0, 0],
    rate: 0.05,
    begin(world, step) {
      const process = chosen([...world.instances.values()], step.target);
      if (process === null || process.isPaused || !process.hasBegun) return null;
      process.stop();
      return { text: `${process.name} is sent a SIGTERM`, undo: null };
    },
  },
];

function pause(world: World, pid: number, name: string): Done {
  world.pause(pid);
  return { text: `${name} is stopped`, undo: () => world.resume(pid) };
}

function crashAgent(world: World, step: PlanStep, isFileLost: boolean): Done | null {
  const agent = chosen(world.agents, step.target);
  if (agent === null) return null;
  const node = world.nodes[agent.node];
  if (step.size < 0.7 && !isFileLost) agent.diesAfterEffects = Math.floor((step.size / 0.7) * EFFECTS_MAX);
  else world.killProcess(agent.pid);
  if (isFileLost && node !== undefined) node.agentFile = null;
  return {
    text: `${agent.name} crashes${isFileLost ? ', and its state file is lost' : ''}`,
    undo: () => world.restartAgent(agent.node),
  };
}
