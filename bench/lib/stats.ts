// Numbers from many measurements: median, quantiles, spread. Nothing here measures anything.

/** The value below which `q` (0 to 1) of the values lie. Sorts a copy. NaN of none. */
export function quantile(values: readonly number[] | Float64Array, q: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return NaN;
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)] as number;
  const high = sorted[Math.ceil(place)] as number;
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: readonly number[] | Float64Array): number {
  return quantile(values, 0.5);
}

/** A median with the quarter of the rounds below and above it cut off: what most rounds agree on. */
export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}
