/**
 * Placement: which node runs a new instance.
 *
 * Lives here: the built-in choice. Does not live here: which nodes can (dialogues/placing.ts). Default: the node
 * with the fewest replicas of the service, then with the fewest instances, the lowest number first among equals, so that
 * the same cluster always looks the same.
 */
import type { PlacementPolicy } from '../../../ssmmp/core/graph.ts';
import type { PlacementNode, Policy } from '../../../ssmmp/core/policy.ts';

export const PLACEMENT: Readonly<Record<PlacementPolicy, Policy<'placement'>>> = {
  'least-used': ({ nodes }) => {
    let best = nodes[0] as PlacementNode;
    for (const node of nodes) if (isBefore(node, best)) best = node;
    return { node: best.node };
  },
};

function isBefore(a: PlacementNode, b: PlacementNode): boolean {
  return (a.replicas - b.replicas || a.instances - b.instances || a.node - b.node) < 0;
}
