/**
 * Scaling as the Manager does it by itself: one more when every replica has been busy for three seconds, one less when all
 * together have been nearly idle for fifteen. Make it better.
 */
import type { ScalingChoice, ScalingView } from 'ssmmp-lab/ssmmp/core/policy.ts';

const HOT_LOAD = 0.8;
const COLD_LOAD = 0.3;
const HOT_MS = 3_000;
const COLD_MS = 15_000;

interface Memory {
  readonly hotSince: number;
  readonly coldSince: number;
}

export function scaling({ at, desired, min, max, replicas, state }: ScalingView): ScalingChoice {
  const { hotSince, coldSince } = (state ?? { hotSince: 0, coldSince: 0 }) as unknown as Memory;
  const total = replicas.reduce((sum, { load }) => sum + load, 0);
  const isHot = replicas.length > 0 && replicas.every(({ load }) => load >= HOT_LOAD);
  const isCold = replicas.length > 1 && total / (replicas.length - 1) < COLD_LOAD;
  const since = { hotSince: isHot ? hotSince || at : 0, coldSince: isCold ? coldSince || at : 0 };
  const nothing = { hotSince: 0, coldSince: 0 };
  if (isHot && at - since.hotSince >= HOT_MS && desired < max && replicas.length >= desired)
    return { replicas: desired + 1, state: nothing };
  if (isCold && at - since.coldSince >= COLD_MS && desired > min) return { replicas: desired - 1, state: nothing };
  return { replicas: desired, state: since };
}
