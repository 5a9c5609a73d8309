/** Scaling: so many replicas that none has to answer more than 50 requests a second, seen over about five seconds. */
import type { ScalingChoice, ScalingView } from '../../ssmmp/core/policy.ts';

const RATE_PER_REPLICA = 50;
const SMOOTH_MS = 5_000;

export function scaling({ service, desired, min, max, sinceMs, replicas, state }: ScalingView): ScalingChoice {
  if (sinceMs === 0) return { replicas: desired, state: 0 };
  const requests = replicas.reduce((sum, { requestsSince }) => sum + requestsSince, 0);
  const now = requests / (sinceMs / 1000);
  // The new rate counts by how long it was measured, the old one for the rest.
  const part = Math.min(1, sinceMs / SMOOTH_MS);
  const rate = (state as number) * (1 - part) + now * part;
  const wanted = Math.min(max, Math.max(min, Math.ceil(rate / RATE_PER_REPLICA)));
  // Up at once; down only when one replica less would have room to spare.
  const spare = rate < (desired - 1) * RATE_PER_REPLICA * 0.8;
  const choice = wanted > desired ? wanted : spare ? Math.max(min, desired - 1) : desired;
  return {
    replicas: choice,
    state: rate,
    why: `${service} ${desired} → ${choice}: ${rate.toFixed(0)} requests a second`,
  };
}
