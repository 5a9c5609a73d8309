/**
 * The laws of worlds: of any, and of one in which nothing is on its way.
 *
 * Lives here: each law, a sentence when it is broken. Does not live here: laws of single machines (laws.ts).
 */
import type { ManagerState } from '../../manager/core/state.ts';
import type { Memory } from './memory.ts';
import type { World } from './world.ts';

/** Laws of any world. */
export function brokenWorld(world: World, stores: ReadonlySet<string>): string | null {
  const owners = new Map<string, number>();
  for (const { id, service } of world.instances) {
    const owner = owners.get(service);
    if (owner !== undefined && stores.has(service)) return `two live processes of ${service}: ${owner} and ${id} (R50)`;
    owners.set(service, id);
  }
  return null;
}

/**
 * Laws of a world in which nothing is on its way, every connection stands, and no end is being closed: what the Manager
 * believes is what is.
 */
export function brokenQuiet(memory: Memory, world: World): string | null {
  if (world.queues.size > 0 || world.agents.some(({ link }) => link === 0)) return null;
  if (world.instances.some(({ connection }) => connection === 0)) return null;
  const manager = memory.managers.state(world.manager);
  for (const [node, { cell, link }] of world.agents.entries()) {
    if (memory.agents.state(cell).link.status !== 'registered') return null;
    const { address } = memory.settings[node] as { address: string };
    const known = manager.agents.get(address);
    if (known?.connection !== link || known.status !== 'registered')
      return `the agent ${address} is registered on connection ${link}; for the Manager it is ${known?.status} on ${known?.connection} (R48)`;
  }
  const live = new Set(world.instances.map(({ id }) => id));
  for (const { id, service, status } of manager.instances.values())
    if (!live.has(id) && status !== 'planned' && status !== 'starting')
      return `${service}/${id} is ${status} at the Manager and has no process`;
  for (const { id, service } of world.instances)
    if (!manager.instances.has(id)) return `${service}/${id} runs and the Manager does not know it`;
  const open = new Set(world.sessions.filter((one) => one.sourceOpen && one.destOpen).map(({ key }) => key));
  for (const { key, status } of manager.sessions.values())
    if (status === 'on' && !open.has(key)) return `session ${key} is on at the Manager and has no connection`;
  for (const key of open) {
    const session = manager.sessions.get(key);
    if (session === undefined && !hasGrant(manager, key))
      return `session ${key} is open and the Manager does not know it`;
  }
  return null;
}

/** Is the ack of this session lost, and its grant unconfirmed (R39)? */
function hasGrant(manager: ManagerState, key: string): boolean {
  for (const grant of manager.grants.values()) if (key.endsWith(`:${grant.destPort}`)) return true;
  return false;
}
