/** Placement: stores on the nodes with an even number, everything else where there is the most room. */
import type { PlacementChoice, PlacementView } from '../../ssmmp/core/policy.ts';

export function placement({ kind, nodes }: PlacementView): PlacementChoice {
  const even = nodes.filter(({ node }) => node % 2 === 0);
  const open = kind === 'baas' && even.length > 0 ? even : nodes;
  const [first] = [...open].sort((a, b) => a.instances - b.instances);
  return { node: first!.node };
}
