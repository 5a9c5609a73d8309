/**
 * What an operator's words mean: `5` or `post/5`, `2` or `127.0.0.12`.
 *
 * Lives here: finding instances and nodes by what people type. Does not live here: errors, which say more
 * where the command is known.
 */
import { canonicalAddress } from '../../../ssmmp/core/address.ts';
import type { Agent, Instance, ManagerState } from '../state.ts';

/** The live instance that an id or service/id means, or null. */
export function findInstance(state: ManagerState, text: string): Instance | null {
  const match = /^(?:(.+)\/)?(\d{1,16})$/.exec(text);
  const instance = match === null ? undefined : state.instances.get(Number(match[2]));
  return instance === undefined || (match?.[1] !== undefined && match[1] !== instance.service) ? null : instance;
}

/** The node that a number or an address means, or null. */
export function findNode(state: ManagerState, text: string): Agent | null {
  const address = canonicalAddress(text);
  for (const agent of state.agents.values())
    if (agent.address === address || agent.key === text || String(agent.number) === text) return agent;
  return null;
}
