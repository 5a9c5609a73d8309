/**
 * Acknowledged operations are durable, and applied at most once.
 *
 * Lives here: at each claim of a store's directory, and in the end, whether what users were told is there, with the
 * same result; that no two operations have one result. Does not live here: how a store does it (R50).
 */
import type { LawOf } from './law.ts';

export const operations: LawOf = (world) => {
  let claims = 0;
  let answers = 0;
  return {
    name: 'acknowledged operations are durable and applied at most once',
    afterEvent() {
      const [contradiction] = world.users.contradicted;
      if (contradiction !== undefined) return contradiction;
      if (world.shared.claims === claims && world.users.acknowledged.size === answers) return null;
      const isClaim = world.shared.claims !== claims;
      claims = world.shared.claims;
      answers = world.users.acknowledged.size;
      return isClaim ? missing(world) : null;
    },
  };
};

/** An acknowledged operation that no store has, or has with another result; null when there is none. */
export function missing(world: Parameters<LawOf>[0]): string | null {
  const results = new Map<number, Set<number>>();
  for (const service of world.shared.directories.keys()) {
    const taken = new Map<number, number>();
    for (const [operation, result] of world.shared.read(service)) {
      const other = taken.get(result);
      if (other !== undefined) return `${service} gave operations ${other} and ${operation} the same place ${result}`;
      taken.set(result, operation);
      const known = results.get(operation);
      if (known === undefined) results.set(operation, new Set([result]));
      else known.add(result);
    }
  }
  for (const [operation, result] of world.users.acknowledged)
    if (results.get(operation)?.has(result) !== true) return `operation ${operation} was acknowledged and is gone`;
  return null;
}
