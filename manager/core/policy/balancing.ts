/**
 * Balancing: which instance of a service gets the next session.
 *
 * Lives here: the built-in choices. Does not live here: who may be chosen at all (instances.ts, choose.ts). Default:
 * least sessions, the one that waits longest first among equals (choose.ts finds it in an index, without looking at
 * every replica; the others look at all of them).
 */
import type { BalancingPolicy } from '../../../ssmmp/core/graph.ts';
import type { BalancingCandidate, BalancingView, Policy } from '../../../ssmmp/core/policy.ts';

export const BALANCING: Readonly<Record<BalancingPolicy, Policy<'balancing'>>> = {
  'least-sessions': leastSessions,

  /** The next id above the last one, and from the highest back to the lowest. */
  'round-robin': ({ candidates, last }) => {
    const ids = candidates.map(({ instance }) => instance).sort((a, b) => a - b);
    return { instance: ids.find((id) => id > last) ?? (ids[0] as number) };
  },

  /** Each with the same probability. The same history chooses the same again, so a journal can be replayed. */
  random: ({ candidates, choices }) => {
    const ids = candidates.map(({ instance }) => instance).sort((a, b) => a - b);
    return { instance: ids[scrambled(choices) % ids.length] as number };
  },

  /** The versions' weights lead to a version under every built-in policy (choose.ts); within one, the fewest sessions. */
  weighted: leastSessions,
};

function leastSessions({ candidates }: BalancingView): { instance: number } {
  return { instance: (candidates[0] as BalancingCandidate).instance };
}

/** A number below 2^32 that looks like chance: the finisher of murmur3, in which each bit of `n` moves half of all. */
function scrambled(n: number): number {
  let mixed = (n + 1) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
