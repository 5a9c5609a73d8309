/**
 * A run of the load generator from the first login to the report.
 *
 * Lives here: closed loop and open rate, the clock of the run, the history as it grows. Does not live here: options,
 * output (the command `ssmmp load`), requests (user.ts).
 *
 * Theory. In a closed loop a user sends the next request when the last is answered and some time was spent thinking: a slow
 * system is asked less. An open load comes at its rate, answered or not, and a request counts from the moment it was
 * due: else the waiting of those that could not be sent would be in no figure (coordinated omission).
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkHistory } from '../core/checker.ts';
import type { Operation, SeenPost } from '../core/history.ts';
import type { InstancesSample, LoadReport } from '../core/report.ts';
import { Stats, type Row, type Second } from '../core/stats.ts';
import { Chance, chooseKind, fileBytes, thinkTimeMs, type Mix, type WorkKind } from '../core/work.ts';
import { LoadUser, type Notes } from './user.ts';
import { UserLink, type Gateways } from './user-link.ts';

/** Users that log in at one time: a password costs its gateway's service some 50 ms. */
const ENTERING_MAX = 8;
const PASSWORD = 'a password for the load';
/** Views read at the end, when nothing changes any more. */
const LAST_READS = 3;
/** An open load looks this often whether something is due. */
const DUE_MS = 1;
/** Requests of an open load that may be under way; beyond them they wait, and their wait counts. */
const UNDER_WAY_MAX = 4096;

export interface LoadOptions {
  readonly users: number;
  readonly seconds: number;
  /** Operations a second; null for a closed loop. */
  readonly rate: number | null;
  readonly mix: Mix;
  /** Mean time between two operations of a user in a closed loop. */
  readonly thinkMs: number;
  readonly seed: number;
  readonly fileBytes: number;
  readonly gateways: Gateways;
  /** Running instances by service, for the plot; null where they cannot be asked for. Called once a second. */
  readonly sampleInstances: (() => Promise<Readonly<Record<string, number>> | null>) | null;
  /** Told at the end of each second; `rows` are of the run so far. */
  readonly onSecond: (second: Second, instances: InstancesSample | null, rows: () => readonly Row[]) => void;
  /** Ends the run early; what there is then is checked and reported. */
  readonly stop: AbortSignal;
}

/** The users could not log in: there is nothing to measure. */
export class LoadNotStarted extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'LoadNotStarted';
  }
}

/** Runs; rejects with LoadNotStarted. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const run = new Run(options);
  try {
    await run.enter();
    await run.work();
    return run.report();
  } finally {
    run.close();
  }
}

class Run implements Notes {
  private readonly options: LoadOptions;
  private readonly started = new Date().toISOString();
  private readonly chance: Chance;
  private readonly links: UserLink[] = [];
  private readonly users: LoadUser[] = [];
  private readonly operations: Operation[] = [];
  private readonly posts = new Map<string, SeenPost>();
  private readonly samples: InstancesSample[] = [];
  private readonly prefix = `load ${randomBytes(4).toString('hex')} `;
  private stats: Stats | null = null;
  private startMs = 0;
  private workedMs = 0;
  private texts = 0;
  private files = 0;

  constructor(options: LoadOptions) {
    this.options = options;
    this.chance = new Chance(options.seed);
    setMaxListeners(0, options.stop); // every user that pauses listens
    for (let at = 0; at < options.users; at += 1) {
      const link = new UserLink(options.gateways, at, () => this.now());
      this.links.push(link);
      this.users.push(new LoadUser(`load-${options.seed}-${at}`, link, this));
    }
  }

  /** Since the work began. */
  now(): number {
    return performance.now() - this.startMs;
  }

  measured(measured: Parameters<Notes['measured']>[0]): void {
    this.stats?.add(measured);
  }

  add(operation: Parameters<Notes['add']>[0]): void {
    this.operations.push({ ...operation, id: this.operations.length + 1 } as Operation);
  }

  nextText(): string {
    this.texts += 1;
    return `${this.prefix}${this.texts}`;
  }

  intern(post: SeenPost): SeenPost {
    const known = this.posts.get(post.postId);
    if (known === undefined) this.posts.set(post.postId, post);
    else if (known.user === post.user && known.time === post.time && known.text === post.text) return known;
    return post;
  }

  /** Registers and logs in everybody. */
  async enter(): Promise<void> {
    const left = [...this.users];
    const enterSome = async (): Promise<void> => {
      for (let user = left.pop(); user !== undefined && !this.options.stop.aborted; user = left.pop()) {
        const wrong = await user.enter(PASSWORD);
        if (wrong !== null) throw new LoadNotStarted(wrong);
      }
    };
    await Promise.all(Array.from({ length: ENTERING_MAX }, enterSome));
    if (this.options.stop.aborted) throw new LoadNotStarted('stopped before everybody had logged in');
  }

  async work(): Promise<void> {
    const { options } = this;
    this.startMs = performance.now();
    const stats = new Stats(0);
    this.stats = stats;
    let told = 0;
    const tell = (): void => {
      stats.pass(this.now());
      for (; told < stats.seconds.length; told += 1)
        options.onSecond(stats.seconds[told] as Second, this.samples.at(-1) ?? null, () =>
          stats.rows(this.now() / 1000),
        );
    };
    const clock = setInterval(tell, 100);
    const sampler = setInterval(() => void this.sample(), 1000);
    try {
      await this.sample();
      await (options.rate === null ? this.closedLoop() : this.openLoad(options.rate));
      this.workedMs = this.now();
      for (let read = 0; read < LAST_READS; read += 1) await this.someone().read();
      await this.sample();
      tell();
    } finally {
      clearInterval(clock);
      clearInterval(sampler);
    }
  }

  report(): LoadReport {
    const { options, stats, operations, prefix } = this;
    if (stats === null) throw new Error('there was no run');
    const counts: Record<string, number> = {};
    for (const { kind, outcome } of operations) counts[`${kind} ${outcome}`] = (counts[`${kind} ${outcome}`] ?? 0) + 1;
    const seconds = this.workedMs / 1000;
    return {
      started: this.started,
      users: options.users,
      seconds: Math.round(seconds * 1000) / 1000,
      rate: options.rate,
      mix: options.mix,
      think_ms: options.thinkMs,
      seed: options.seed,
      rows: stats.rows(seconds),
      errors: stats.errors,
      repeats: stats.repeats,
      operations: counts,
      violation: checkHistory({ prefix, operations }),
      timeline: stats.seconds,
      instances: this.samples,
    };
  }

  close(): void {
    for (const link of this.links) link.close();
  }

  private get isOver(): boolean {
    return this.options.stop.aborted || this.now() >= this.options.seconds * 1000;
  }

  private async closedLoop(): Promise<void> {
    const { mix, thinkMs, seed } = this.options;
    await Promise.all(
      this.users.map(async (user, at) => {
        const chance = new Chance(seed * 65_537 + at);
        // Not all at once.
        await this.pause(thinkTimeMs(thinkMs, chance));
        while (!this.isOver) {
          await this.once(user, chooseKind(mix, chance), chance);
          if (thinkMs > 0) await this.pause(thinkTimeMs(thinkMs, chance));
        }
      }),
    );
  }

  private async openLoad(rate: number): Promise<void> {
    const { mix } = this.options;
    const underWay = new Set<Promise<void>>();
    for (let sent = 0; !this.isOver;) {
      for (; sent < (this.now() * rate) / 1000 && underWay.size < UNDER_WAY_MAX; sent += 1) {
        const user = this.users[sent % this.users.length] as LoadUser;
        const done = this.once(user, chooseKind(mix, this.chance), this.chance, (sent * 1000) / rate);
        underWay.add(done);
        void done.then(() => underWay.delete(done));
      }
      await this.pause(DUE_MS);
    }
    await Promise.all(underWay);
  }

  private once(user: LoadUser, kind: WorkKind, chance: Chance, startMs?: number): Promise<void> {
    switch (kind) {
      case 'post':
        return user.post(startMs);
      case 'read':
        return user.read(startMs);
      case 'file':
        this.files += 1;
        return user.file(
          `load-${this.prefix.slice(5, 13)}-${this.files}.bin`,
          fileBytes(this.options.fileBytes, chance),
        );
    }
  }

  /** Ends early when the run is stopped. */
  private async pause(ms: number): Promise<void> {
    const most = Math.min(ms, this.options.seconds * 1000 - this.now());
    if (most > 0) await sleep(most, undefined, { signal: this.options.stop }).catch(() => undefined);
  }

  private someone(): LoadUser {
    return this.users[0] as LoadUser;
  }

  private async sample(): Promise<void> {
    const instances = (await this.options.sampleInstances?.().catch(() => null)) ?? null;
    if (instances !== null) this.samples.push({ atMs: Math.round(this.now()), instances });
  }
}
