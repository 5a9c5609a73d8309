/**
 * Scaling by load: how many replicas a service should have now.
 *
 * Lives here: the built-in choice. Does not live here: measuring (an instance tells its own load, R45), starting
 * and draining (operations/). Default: one more when every replica has been above HOT_LOAD for hotMs, one less when
 * all together have been below COLD_LOAD for coldMs (timers.ts). The two are far apart, so that a load between them leaves
 * things as they are. Since when it is hot or cold is what it keeps between calls.
 */
import type { Policy, ScalingView } from '../../../ssmmp/core/policy.ts';

/** Load of a replica, 0 to 1, above which it is hot; an overloaded one (199) counts as 1. */
export const HOT_LOAD = 0.8;
/** Load of the replicas that would remain, below which one is too many. */
export const COLD_LOAD = 0.3;

/** Since when every replica is hot, or all together cold; 0 for not. */
interface Memory {
  readonly hotSince: number;
  readonly coldSince: number;
}

const NOTHING: Memory = { hotSince: 0, coldSince: 0 };

export const SCALING: Readonly<Record<'load' | 'none', Policy<'scaling'>>> = {
  load: (view) => {
    const { at, service, desired, min, max, replicas, limits } = view;
    const loads = replicas.map(({ load }) => load);
    const before = memoryOf(view);
    const hotSince = isHot(loads) ? before.hotSince || at : 0;
    const coldSince = isCold(loads) ? before.coldSince || at : 0;
    const hotForMs = hotSince === 0 ? 0 : at - hotSince;
    const coldForMs = coldSince === 0 ? 0 : at - coldSince;
    if (hotForMs >= limits.hotMs && desired < max && loads.length >= desired) {
      const all = loads.length === 1 ? 'its replica' : `all ${loads.length} replicas`;
      const why = `${service} ${desired} → ${desired + 1}: ${all} above ${HOT_LOAD} for ${seconds(hotForMs)} s`;
      return { replicas: desired + 1, why, state: { ...NOTHING } };
    }
    if (coldForMs >= limits.coldMs && desired > min) {
      const why = `${service} ${desired} → ${desired - 1}: the load of all would leave ${desired - 1} below ${COLD_LOAD}, for ${seconds(coldForMs)} s`;
      return { replicas: desired - 1, why, state: { ...NOTHING } };
    }
    return { replicas: desired, state: { hotSince, coldSince } };
  },
  none: ({ desired }) => ({ replicas: desired }),
};

function memoryOf({ state }: ScalingView): Memory {
  return state === null ? NOTHING : (state as unknown as Memory);
}

function isHot(loads: readonly number[]): boolean {
  return loads.length > 0 && loads.every((load) => load >= HOT_LOAD);
}

function isCold(loads: readonly number[]): boolean {
  const total = loads.reduce((sum, load) => sum + load, 0);
  return loads.length > 1 && total / (loads.length - 1) < COLD_LOAD;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(0);
}
