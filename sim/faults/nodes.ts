/**
 * Faults of nodes and of the network between them: power, clocks, disks, ports, links.
 *
 * Lives here: what happens to a node or a link. Does not live here: single processes (processes.ts).
 */
import type { World } from '../world.ts';
import { chosen, type Done, type Fault } from './fault.ts';

const SECOND_US = 1_000_000;
/** A clock jumps by this much at most, in milliseconds. */
const JUMP_MS_MAX = 20_000;

export const NODE_FAULTS: readonly Fault[] = [
  {
    name: 'cut power of a node',
    lastsUs: [SECOND_US, 15 * SECOND_US],
    rate: 0.03,
    begin(world, step) {
      const node = chosen(world.nodes.slice(1), step.target);
      if (node === null || !node.isOn) return null;
      world.powerOff(node.index);
      return { text: `node ${node.index} has no power`, undo: () => world.powerOn(node.index) };
    },
  },
  {
    name: 'cut power of the Manager’s node',
    lastsUs: [500_000, 6 * SECOND_US],
    rate: 0.02,
    begin(world) {
      if (!world.isOn(0)) return null;
      world.powerOff(0);
      return { text: 'the Manager’s node has no power', undo: () => world.powerOn(0) };
    },
  },
  {
    name: 'clock jump',
    lastsUs: [0, 0],
    rate: 0.05,
    begin(world, step) {
      const node = chosen(world.nodes, step.target);
      if (node === null) return null;
      const jumpMs = Math.round((step.size - 0.3) * JUMP_MS_MAX);
      node.clockOffsetMs += jumpMs;
      for (const process of world.processes.values()) if (process.node === node.index) process.rearm();
      return { text: `the clock of node ${node.index} jumps by ${jumpMs} ms`, undo: null };
    },
  },
  {
    name: 'cut a link',
    lastsUs: [300_000, 10 * SECOND_US],
    rate: 0.06,
    begin(world, step) {
      const link = linkOf(world, step.target);
      if (link === null) return null;
      const [a, b] = link;
      world.network.cut(a, b);
      world.network.cut(b, a);
      const undo = (): void => {
        world.network.heal(a, b);
        world.network.heal(b, a);
      };
      return { text: `nodes ${a} and ${b} are cut off from each other`, undo };
    },
  },
  {
    name: 'cut a link one way',
    lastsUs: [300_000, 10 * SECOND_US],
    rate: 0.06,
    begin(world, step) {
      const link = linkOf(world, step.target);
      if (link === null) return null;
      const [a, b] = step.size < 0.5 ? link : [link[1], link[0]];
      world.network.cut(a, b);
      return { text: `nothing passes from node ${a} to node ${b}`, undo: () => world.network.heal(a, b) };
    },
  },
  {
    name: 'slow network',
    lastsUs: [SECOND_US, 10 * SECOND_US],
    rate: 0.04,
    begin(world, step) {
      const factor = Math.round(1 + step.size * step.size * 400);
      world.network.slowness = factor;
      return { text: `the network is ${factor} times as slow`, undo: () => (world.network.slowness = 1) };
    },
  },
  {
    name: 'reset a connection',
    lastsUs: [0, 0],
    rate: 0.2,
    begin(world, step) {
      const open = [...world.network.connections.values()].filter(({ status }) => status === 'open');
      const connection = chosen(open, step.target);
      if (connection === null) return null;
      world.network.reset(connection, 'reset');
      const [from, to] = connection.ends.map(({ pid }) => world.processes.get(pid)?.name ?? 'nobody');
      return { text: `the connection of ${from} to ${to} is reset`, undo: null };
    },
  },
  {
    name: 'take a port',
    lastsUs: [SECOND_US, 20 * SECOND_US],
    rate: 0.08,
    begin(world, step) {
      const node = chosen(world.nodes.slice(1), step.target);
      if (node === null) return null;
      const next = world.manager.state.ports.get(node.address)?.next ?? 54000;
      const port = step.size < 0.2 ? 8080 : next + Math.floor(step.size * 3);
      if (node.listeners.has(port)) return null;
      node.listeners.set(port, 0);
      const undo = (): void => {
        if (node.listeners.get(port) === 0) node.listeners.delete(port);
      };
      return { text: `a stranger takes port ${port} of node ${node.index}`, undo };
    },
  },
  {
    name: 'slow disks',
    lastsUs: [SECOND_US, 10 * SECOND_US],
    rate: 0.04,
    begin(world, step): Done {
      world.diskSlowness = Math.round(1 + step.size * 200);
      return { text: `disks are ${world.diskSlowness} times as slow`, undo: () => (world.diskSlowness = 1) };
    },
  },
];

/** Two nodes; every other link has the Manager's node at one end. */
function linkOf(world: World, target: number): readonly [number, number] | null {
  const { length } = world.nodes;
  if (length < 2) return null;
  const a = Math.floor(target * 97) % length;
  const b = Math.floor(target * 9_973) % (length - 1);
  return [a, b >= a ? b + 1 : b];
}
