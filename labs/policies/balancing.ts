/** Balancing: the instance with the fewest requests under way; sessions count only where these are equal. */
import type { BalancingCandidate, BalancingChoice, BalancingView } from '../../ssmmp/core/policy.ts';

export function balancing({ candidates }: BalancingView): BalancingChoice {
  const busy = ({ inFlight }: BalancingCandidate): number => inFlight ?? 0;
  const [first] = [...candidates].sort((a, b) => busy(a) - busy(b) || a.sessions - b.sessions);
  return { instance: first!.instance };
}
