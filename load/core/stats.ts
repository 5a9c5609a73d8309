/**
 * Counting and measuring while the load runs, in bounded memory.
 *
 * Lives here: latencies in buckets, seconds, statuses. Does not live here: any clock, any output.
 *
 * Theory. Buckets grow with the value: 32 for each doubling, so a percentile is within 3 % of the truth and a run of
 * hours needs no more memory than one of seconds. A percentile of percentiles means nothing, so every second, and the
 * whole, have buckets of their own.
 */
const STEPS = 32;
const SMALLEST_MS = 0.01;
const BUCKETS = STEPS * 24;

/** Latencies in milliseconds, from 0.01 to 167,000. */
export class Latencies {
  count = 0;
  maxMs = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(ms: number): void {
    this.count += 1;
    if (ms > this.maxMs) this.maxMs = ms;
    const bucket = Math.floor(Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * STEPS);
    const at = Math.min(bucket, BUCKETS - 1);
    this.buckets[at] = (this.buckets[at] as number) + 1;
  }

  /** The latency that this share (0 to 1) of all did not exceed; 0 when there are none. */
  percentile(share: number): number {
    let left = Math.max(1, Math.ceil(this.count * share));
    for (let at = 0; at < BUCKETS; at += 1) {
      left -= this.buckets[at] as number;
      if (left <= 0) return Math.min(this.maxMs, SMALLEST_MS * 2 ** ((at + 1) / STEPS));
    }
    return this.maxMs;
  }
}

/** One request as the stats see it. */
export interface Measured {
  readonly type: string;
  readonly atMs: number;
  readonly tookMs: number;
  /** 200, another status, or 0 for no answer. */
  readonly status: number;
  /** Times it was sent again. */
  readonly repeats: number;
}

/** A row of the tables. */
export interface Row {
  readonly name: string;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
}

/** One second of the run. */
export interface Second {
  /** From 0. */
  readonly second: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Requests sent again in it. */
  readonly repeats: number;
}

class Bin {
  readonly latencies = new Latencies();
  readonly errors: Record<string, number> = {};
  repeats = 0;

  add({ tookMs, status, repeats }: Measured): void {
    this.latencies.add(tookMs);
    this.repeats += repeats;
    if (status === 200) return;
    const name = status === 0 ? 'no answer' : String(status);
    this.errors[name] = (this.errors[name] ?? 0) + 1;
  }

  get errorCount(): number {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }
}

export class Stats {
  readonly seconds: Second[] = [];
  private readonly startMs: number;
  private readonly all = new Bin();
  private readonly types = new Map<string, Bin>();
  private current = new Bin();

  constructor(startMs: number) {
    this.startMs = startMs;
  }

  add(measured: Measured): void {
    this.pass(measured.atMs);
    this.current.add(measured);
    this.all.add(measured);
    let bin = this.types.get(measured.type);
    if (bin === undefined) this.types.set(measured.type, (bin = new Bin()));
    bin.add(measured);
  }

  /** Ends the seconds that are over; call it with the time of whatever comes next. */
  pass(nowMs: number): void {
    while (nowMs - this.startMs >= (this.seconds.length + 1) * 1000) {
      const { latencies, errors, repeats } = this.current;
      this.seconds.push({
        second: this.seconds.length,
        requests: latencies.count,
        p50Ms: latencies.percentile(0.5),
        p95Ms: latencies.percentile(0.95),
        p99Ms: latencies.percentile(0.99),
        maxMs: latencies.maxMs,
        errors,
        repeats,
      });
      this.current = new Bin();
    }
  }

  /** One row a type of request, then all together; over this many seconds. */
  rows(seconds: number): Row[] {
    const named = [...this.types].sort(([a], [b]) => a.localeCompare(b));
    return [...named, ['all', this.all] as const].map(([name, bin]) => ({
      name,
      requests: bin.latencies.count,
      perSecond: bin.latencies.count / Math.max(seconds, 0.001),
      p50Ms: bin.latencies.percentile(0.5),
      p95Ms: bin.latencies.percentile(0.95),
      p99Ms: bin.latencies.percentile(0.99),
      maxMs: bin.latencies.maxMs,
      errors: bin.errorCount,
    }));
  }

  /** Errors of the whole run by status. */
  get errors(): Readonly<Record<string, number>> {
    return this.all.errors;
  }

  get repeats(): number {
    return this.all.repeats;
  }
}
