/**
 * Scaling by load: how many replicas a service should have now.
 *
 * Lives here: the choice. Does not live here: measuring (an instance tells its own load, R45), starting
 * and draining (operations/). Default policy: one more when every replica has been above HOT_LOAD for
 * hotMs, one less when all together have been below COLD_LOAD for coldMs (timers.ts). The two are far apart, so
 * that a load between them leaves things as they are.
 */

/** Load of a replica, 0 to 1, above which it is hot; an overloaded one (199) counts as 1. */
export const HOT_LOAD = 0.8;
/** Load of the replicas that would remain, below which one is too many. */
export const COLD_LOAD = 0.3;

/** What a scaling policy sees of a service. */
export interface ScalingView {
  readonly service: string;
  /** Replicas wanted now, the fewest and the most. */
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Loads of the replicas that are on. */
  readonly loads: readonly number[];
  /** For how long all have been hot, or together cold, in milliseconds; 0 for not. */
  readonly hotForMs: number;
  readonly coldForMs: number;
  /** For how long they must be, to be believed. */
  readonly hotMs: number;
  readonly coldMs: number;
}

export interface ScalingChoice {
  readonly desired: number;
  /** `post 1 → 2: both sessions above 0.8 for 3 s`, for the history. */
  readonly why: string;
}

export function isHot(loads: readonly number[]): boolean {
  return loads.length > 0 && loads.every((load) => load >= HOT_LOAD);
}

export function isCold(loads: readonly number[]): boolean {
  const total = loads.reduce((sum, load) => sum + load, 0);
  return loads.length > 1 && total / (loads.length - 1) < COLD_LOAD;
}

/** One step up or down, or null to leave it. */
export function scaleByLoad(view: ScalingView): ScalingChoice | null {
  const { service, desired, min, max, loads, hotForMs, coldForMs, hotMs, coldMs } = view;
  if (hotForMs >= hotMs && desired < max && loads.length >= desired) {
    const all = loads.length === 1 ? 'its replica' : `all ${loads.length} replicas`;
    return {
      desired: desired + 1,
      why: `${service} ${desired} → ${desired + 1}: ${all} above ${HOT_LOAD} for ${seconds(hotForMs)} s`,
    };
  }
  if (coldForMs >= coldMs && desired > Math.max(1, min)) {
    const why = `${service} ${desired} → ${desired - 1}: the load of all would leave ${desired - 1} below ${COLD_LOAD}, for ${seconds(coldForMs)} s`;
    return { desired: desired - 1, why };
  }
  return null;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(0);
}
