/**
 * Scaling by what is asked, not by how busy who answers is: answered requests a second, and what piles up. Up at once, and by
 * as many as it takes; down by one, when one less has been enough for a while.
 */
import type { ScalingChoice, ScalingView } from 'ssmmp-lab/ssmmp/core/policy.ts';

/** What a replica answers in a second, and how much of that is planned for. */
const RATE_PER_REPLICA = 50;
const PLANNED = 0.85;
/** What piled up shall be gone in so many seconds. */
const CATCH_UP_S = 1;
/** The rate is seen over about so long. */
const SMOOTH_MS = 1_500;
/** One less has to have been enough for so long. */
const SURE_MS = 4_000;

interface Memory {
  readonly rate: number;
  readonly enoughSince: number;
}

export function scaling({ at, service, desired, min, max, sinceMs, replicas, state }: ScalingView): ScalingChoice {
  const memory = (state ?? { rate: 0, enoughSince: 0 }) as unknown as Memory;
  if (sinceMs === 0) return { replicas: desired, state: { rate: memory.rate, enoughSince: 0 } };
  const answered = replicas.reduce((sum, { requestsSince }) => sum + requestsSince, 0);
  const waiting = replicas.reduce((sum, { inFlight }) => sum + inFlight, 0);
  const part = Math.min(1, sinceMs / SMOOTH_MS);
  const rate = memory.rate * (1 - part) + (answered / (sinceMs / 1000)) * part;
  const needed = (rate + waiting / CATCH_UP_S) / (RATE_PER_REPLICA * PLANNED);
  const wanted = Math.min(max, Math.max(min, Math.ceil(needed)));
  const isEnough = desired > min && needed < desired - 1.2;
  const enoughSince = isEnough ? memory.enoughSince || at : 0;
  const isSure = enoughSince > 0 && at - enoughSince >= SURE_MS;
  const choice = wanted > desired ? wanted : isSure ? desired - 1 : desired;
  return {
    replicas: choice,
    state: { rate, enoughSince: choice < desired ? 0 : enoughSince },
    why: `${service} ${desired} → ${choice}: ${rate.toFixed(0)} requests a second, ${waiting.toFixed(0)} under way`,
  };
}
