/**
 * Durations as people write them in files: `500ms`, `60s`, `2m`, `1h`.
 *
 * Lives here: reading and writing one. Does not live here: the protocol's timers (timers.ts).
 */

/** Longest duration a file may name: 30 days, in milliseconds. */
export const DURATION_MS_MAX = 30 * 24 * 3_600_000;
/** What an unreadable duration is told. */
export const DURATION_EXPECTED = "a duration such as '500ms', '60s', '2m' or '1h', above 0 and at most 720h";

const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** Milliseconds of `60s`, `500ms`, `2m`, `1h`; null when it is no duration, is 0 or over `DURATION_MS_MAX`. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,10})(ms|s|m|h)$/.exec(text);
  const unitMs = UNITS.find(([name]) => name === match?.[2])?.[1];
  if (unitMs === undefined) return null;
  const ms = Number(match?.[1]) * unitMs;
  return ms > 0 && ms <= DURATION_MS_MAX ? ms : null;
}

/** The shortest exact writing of a duration in whole milliseconds: 60000 is `1m`, 1500 is `1500ms`. */
export function formatDuration(ms: number): string {
  const [name, unitMs] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? (['ms', 1] as const);
  return `${ms / unitMs}${name}`;
}
