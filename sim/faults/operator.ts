/**
 * What operators do, at any time: scale, migrate, drain, uncordon, stop, apply.
 *
 * Lives here: the commands as steps of a plan. Does not live here: what the Manager makes of them. No faults, strictly;
 * but they come as the faults do, and at the worst moments. A command that is refused is one too.
 */
import type { Command } from '../../manager/core/inputs.ts';
import type { World } from '../world.ts';
import { chosen, type Done, type Fault } from './fault.ts';

export const OPERATOR_FAULTS: readonly Fault[] = [
  {
    name: 'operator scales',
    lastsUs: [0, 0],
    rate: 0.12,
    begin(world, step) {
      const service = chosen(world.options.graph.services, step.target);
      if (service === null) return null;
      return ask(world, {
        command: 'scale',
        service: service.name,
        replicas: Math.floor(step.size * 5),
        dry_run: false,
      });
    },
  },
  {
    name: 'operator migrates',
    lastsUs: [0, 0],
    rate: 0.12,
    begin(world, step) {
      const instance = idOf(world, step.target);
      const to = step.size < 0.3 ? null : String(1 + Math.floor(step.size * (world.nodes.length - 1)));
      return instance === null ? null : ask(world, { command: 'migrate', instance, to, dry_run: false });
    },
  },
  {
    name: 'operator drains a node',
    lastsUs: [0, 0],
    rate: 0.05,
    begin: (world, step) => ask(world, { command: 'drain', node: nodeOf(world, step.target), dry_run: false }),
  },
  {
    name: 'operator takes a node back',
    lastsUs: [0, 0],
    rate: 0.06,
    begin: (world, step) => ask(world, { command: 'uncordon', node: nodeOf(world, step.target) }),
  },
  {
    name: 'operator stops an instance',
    lastsUs: [0, 0],
    rate: 0.06,
    begin(world, step) {
      const instance = idOf(world, step.target);
      return instance === null ? null : ask(world, { command: 'stop', instance, hard: false });
    },
  },
  {
    name: 'operator stops an instance hard',
    lastsUs: [0, 0],
    rate: 0.04,
    begin(world, step) {
      const instance = idOf(world, step.target);
      return instance === null ? null : ask(world, { command: 'stop', instance, hard: true });
    },
  },
  {
    name: 'operator applies a graph',
    lastsUs: [0, 0],
    rate: 0.04,
    begin(world, step) {
      const graph = step.size < 0.5 ? world.options.edited : world.options.graph;
      return ask(world, { command: 'apply', graph, file: 'graph.yaml', dry_run: false });
    },
  },
];

function ask(world: World, command: Command): Done | null {
  const words = Object.entries(command).map(([name, value]) => (typeof value === 'object' ? name : String(value)));
  return world.command(command) === null ? null : { text: `operator: ${words.join(' ')}`, undo: null };
}

function idOf(world: World, target: number): string | null {
  const id = chosen([...world.manager.state.instances.keys()], target);
  return id === null ? null : String(id);
}

function nodeOf(world: World, target: number): string {
  return String(1 + Math.floor(target * (world.nodes.length - 1)));
}
