/**
 * The loop that every shell runs around its machine: stamp, step, journal, flush, then perform.
 *
 * Lives here: the order of these five, and the one timer behind `nextDeadline`. Does not live here: what
 * an effect does (the actor's perform.ts) or where a journal is kept (journal-file.ts).
 *
 * Group commit: inputs that came in one turn of the event loop share a commit, and those that come while the disk is
 * busy are stepped at once and share the next one. There is one commit at a time, so effects are performed in
 * the order of their steps: those of a step that needs no flush wait for an earlier one that does, never the
 * other way round.
 */
import type { Machine, Stamped } from '../machine/machine.ts';

/** Where a driver records its steps. */
export interface JournalWriter {
  /** Takes one record; nothing is on disk yet. */
  append(input: Stamped, effects: readonly unknown[]): void;
  /**
   * Writes what was appended, to the disk itself when `flush`. Undefined when it is done already, else a promise;
   * throws or rejects when the disk fails. Called again only when the one before is done.
   */
  commit(flush: boolean): Promise<void> | undefined;
  /** Bytes of records in memory that are not written yet, where it can tell. */
  readonly unwrittenBytes?: number;
}

/** An input without its time; the driver stamps it. */
export type Unstamped<Input extends Stamped> = Input extends Stamped ? Omit<Input, 'at'> : never;

/** Steps that wait for the disk; beyond it `congested` is called. */
export const UNCOMMITTED_STEPS_MAX = 20_000;
/** The same for the bytes of their records: one commit of more would keep everybody waiting, and fill the memory. */
export const UNCOMMITTED_BYTES_MAX = 16 * 1024 * 1024;

export interface DriverOptions<Input extends Stamped, Effect> {
  now(): number;
  /** `at` is the time of the step that caused it. A throw is a broken invariant and ends the process. */
  perform(effect: Effect, at: number): void;
  /** Without one, effects are performed at once. */
  journal?: JournalWriter;
  /** The journal's disk failed: nothing was performed since, and nothing will be. */
  journalFailed?(error: Error): void;
  /** True: the disk is behind by UNCOMMITTED_STEPS_MAX steps, give no more input; false: it has caught up. */
  congested?(isCongested: boolean): void;
  /** Makes the tick input for `nextDeadline`. */
  tick(): Unstamped<Input>;
}

/** Runs one machine. All inputs go through `input`. */
export class Driver<State, Input extends Stamped, Effect> {
  readonly state: State;
  private readonly machine: Machine<State, Input, Effect>;
  private readonly options: DriverOptions<Input, Effect>;
  /** Effects of the steps not yet performed, and the time of each step. */
  private effects: (readonly Effect[])[] = [];
  private times: number[] = [];
  private flushWanted = false;
  /** A commit is due or under way. */
  private committing = false;
  private isCongested = false;
  private performing = false;
  private stopped = false;
  private timer: NodeJS.Timeout | null = null;
  private timerAt = Infinity;
  private idle: (() => void)[] = [];

  constructor(machine: Machine<State, Input, Effect>, state: State, options: DriverOptions<Input, Effect>) {
    this.machine = machine;
    this.state = state;
    this.options = options;
  }

  /**
   * Feeds one input, which is the driver's from now on: it is stamped, not copied. Its effects are performed before this
   * returns only where there is no journal.
   */
  input(input: Unstamped<Input>): void {
    if (this.stopped) return;
    const stamped = input as unknown as Input & { at: number };
    stamped.at = this.options.now();
    const { effects, flush, recorded } = this.machine.step(this.state, stamped);
    this.options.journal?.append(recorded === undefined ? stamped : { ...stamped, ...recorded }, effects);
    this.effects.push(effects);
    this.times.push(stamped.at);
    this.flushWanted ||= flush;
    if (this.options.journal === undefined) this.performAll();
    else this.schedule(this.options.journal);
  }

  /** Takes no input and performs nothing any more. */
  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.wakeIdle();
  }

  /** Resolves once every step so far is committed and performed (or the journal has failed, or `stop`). */
  settled(): Promise<void> {
    if (this.stopped || !this.committing) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private schedule(journal: JournalWriter): void {
    if (!this.isCongested && this.isBehind(journal)) {
      this.isCongested = true;
      this.options.congested?.(true);
    }
    if (this.committing) return;
    this.committing = true;
    setImmediate(() => this.commit(journal));
  }

  private isBehind(journal: JournalWriter): boolean {
    return this.effects.length > UNCOMMITTED_STEPS_MAX || (journal.unwrittenBytes ?? 0) > UNCOMMITTED_BYTES_MAX;
  }

  private commit(journal: JournalWriter): void {
    if (this.stopped) return;
    const { effects, times, flushWanted } = this;
    this.effects = [];
    this.times = [];
    this.flushWanted = false;
    const failed = (error: Error): void => {
      this.stop();
      this.options.journalFailed?.(error);
    };
    let wait: Promise<void> | undefined;
    try {
      wait = journal.commit(flushWanted);
    } catch (error) {
      return failed(error as Error);
    }
    const committed = (): void => {
      this.committing = false;
      this.perform(effects, times);
      if (this.effects.length > 0) this.schedule(journal);
      if (this.isCongested && !this.isBehind(journal)) {
        this.isCongested = false;
        this.options.congested?.(false);
      }
      if (!this.committing) this.wakeIdle();
      this.arm();
    };
    if (wait === undefined) committed();
    else void wait.then(committed, failed);
  }

  private perform(effects: readonly (readonly Effect[])[], times: readonly number[]): void {
    for (let index = 0; index < effects.length; index += 1)
      for (const effect of effects[index] as readonly Effect[])
        if (!this.stopped) this.options.perform(effect, times[index] as number);
  }

  /** Without a journal: at once, and inputs that performing causes after those before them. */
  private performAll(): void {
    if (this.performing) return;
    this.performing = true;
    while (this.effects.length > 0) {
      const { effects, times } = this;
      this.effects = [];
      this.times = [];
      this.perform(effects, times);
    }
    this.performing = false;
    this.arm();
  }

  private wakeIdle(): void {
    const waiting = this.idle;
    this.idle = [];
    for (const wake of waiting) wake();
  }

  private arm(): void {
    const at = this.machine.nextDeadline(this.state);
    if (this.stopped || at === null || at >= this.timerAt) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = at;
    // Node's timers may fire a little early, hence one more millisecond.
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.timerAt = Infinity;
        const due = this.machine.nextDeadline(this.state);
        if (due !== null && due <= this.options.now()) this.input(this.options.tick());
        else this.arm();
      },
      Math.min(Math.max(0, at - this.options.now()) + 1, 0x7fffffff),
    );
  }
}
