/**
 * The loop that every shell runs around its machine: stamp, step, journal, flush, then perform.
 *
 * Lives here: the order of these five, and the one timer behind `nextDeadline`. Does not live here: what
 * an effect does (the actor's perform.ts) or where a journal is kept (journal-file.ts). Inputs that come
 * while a flush is under way are stepped at once and share the next flush: group commit.
 */
import type { Machine, Stamped } from '../machine/machine.ts';

/** Where a driver records its steps. */
export interface JournalWriter {
  /** Takes one record; nothing is on disk yet. */
  append(input: unknown, effects: readonly unknown[]): void;
  /** Writes what was appended, to the disk itself when `flush`. Resolves when done; rejects when the disk fails. */
  commit(flush: boolean): Promise<void>;
}

/** An input without its time; the driver stamps it. */
export type Unstamped<Input extends Stamped> = Input extends Stamped ? Omit<Input, 'at'> : never;

export interface DriverOptions<Input extends Stamped, Effect> {
  now(): number;
  perform(effect: Effect): void;
  /** Without one, effects are performed at once. */
  journal?: JournalWriter;
  /** The journal's disk failed: nothing was performed since, and nothing will be. */
  journalFailed?(error: Error): void;
  /** Makes the tick input for `nextDeadline`. */
  tick(): Unstamped<Input>;
}

/** Runs one machine. All inputs go through `input`. */
export class Driver<State, Input extends Stamped, Effect> {
  readonly state: State;
  private readonly machine: Machine<State, Input, Effect>;
  private readonly options: DriverOptions<Input, Effect>;
  private queue: Effect[] = [];
  private flushWanted = false;
  private uncommitted = false;
  private scheduled = false;
  private performing = false;
  private stopped = false;
  private timer: NodeJS.Timeout | null = null;
  private timerAt = Infinity;

  constructor(machine: Machine<State, Input, Effect>, state: State, options: DriverOptions<Input, Effect>) {
    this.machine = machine;
    this.state = state;
    this.options = options;
  }

  /** Feeds one input. Its effects are performed before this returns only where there is no journal. */
  input(input: Unstamped<Input>): void {
    if (this.stopped) return;
    const stamped = { ...input, at: this.options.now() } as unknown as Input;
    const { effects, flush } = this.machine.step(this.state, stamped);
    this.options.journal?.append(stamped, effects);
    for (const effect of effects) this.queue.push(effect);
    this.flushWanted ||= flush;
    this.uncommitted = true;
    this.schedule();
  }

  /** Takes no input and performs nothing any more. */
  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.options.journal === undefined) {
      if (!this.performing) this.performQueue();
      return;
    }
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => void this.commit(this.options.journal as JournalWriter));
  }

  private async commit(journal: JournalWriter): Promise<void> {
    const effects = this.queue;
    const flush = this.flushWanted;
    this.queue = [];
    this.flushWanted = false;
    this.uncommitted = false;
    try {
      await journal.commit(flush);
    } catch (error) {
      this.stop();
      this.options.journalFailed?.(error as Error);
      return;
    }
    this.scheduled = false;
    for (const effect of effects) if (!this.stopped) this.options.perform(effect);
    if (this.uncommitted) this.schedule();
    this.arm();
  }

  private performQueue(): void {
    this.performing = true;
    for (let effect = this.queue.shift(); effect !== undefined; effect = this.queue.shift())
      this.options.perform(effect);
    this.performing = false;
    this.arm();
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
