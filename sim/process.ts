/**
 * A simulated process: what Manager, agents and instances have in common.
 *
 * Lives here: life and death, being stopped and going on, the clock as the process reads it, the one timer behind
 * `nextDeadline`. Does not live here: what one does with its inputs (manager-process.ts, agent-process.ts,
 * instance-process.ts).
 */
import type { Machine, Stamped } from '../ssmmp/machine/machine.ts';
import type { Scheduled, SimEvent } from './events.ts';
import type { Connection } from './network.ts';
import type { World } from './world.ts';

export type ProcessKind = 'manager' | 'agent' | 'instance';

/** An input without its time; the process stamps it. */
export type Unstamped<Input extends Stamped> = Input extends Stamped ? Omit<Input, 'at'> : never;

/** Node's timers fire a little late. */
const TIMER_LATE_US = 1_000;

export abstract class SimProcess {
  readonly pid: number;
  readonly node: number;
  abstract readonly kind: ProcessKind;
  /** For people: `Manager`, `agent 2`, `post/5`. */
  abstract readonly name: string;
  isAlive = true;
  /** Stopped (SIGSTOP): what comes waits here until it goes on. */
  isPaused = false;
  readonly inbox: SimEvent[] = [];
  protected readonly world: World;
  private timer: Scheduled | null = null;
  private lastAt = 0;

  constructor(world: World, pid: number, node: number) {
    this.world = world;
    this.pid = pid;
    this.node = node;
  }

  /** Its program begins. */
  abstract boot(): void;
  /** It dialed, and is connected; or is not. */
  abstract onConnected(connection: Connection): void;
  abstract onConnectFailed(connection: Connection, why: 'refused' | 'timeout'): void;
  /** Somebody dialed one of its ports. */
  abstract onAccepted(connection: Connection): void;
  abstract onLine(connection: Connection, end: 0 | 1, line: string): void;
  abstract onClosed(connection: Connection, end: 0 | 1, why: string): void;
  /** An event that is its own: a yield of an effect, its disk. */
  abstract onEvent(event: SimEvent): void;
  protected abstract nextDeadline(): number | null;
  protected abstract tick(): void;

  /** Its clock: milliseconds, never going back (ssmmp/shell/clock.ts). */
  clock(): number {
    const offsetMs = this.world.nodes[this.node]?.clockOffsetMs ?? 0;
    this.lastAt = Math.max(this.lastAt, Math.floor(this.world.nowUs / 1000) + offsetMs);
    return this.lastAt;
  }

  /** The clock does not start before this: the last time a journal saw. */
  protected notBefore(at: number): void {
    this.lastAt = Math.max(this.lastAt, at);
  }

  /** Event `tick`. */
  onTimer(): void {
    this.timer = null;
    const due = this.nextDeadline();
    if (due !== null && due <= this.clock()) this.tick();
    else this.arm();
  }

  /** Sets the timer for the next deadline, if that is earlier than what it is set for. */
  arm(): void {
    if (!this.isAlive) return;
    const due = this.nextDeadline();
    if (due === null) return;
    const waitMs = Math.max(0, due - this.clock());
    const atUs = this.world.nowUs + waitMs * 1000 + TIMER_LATE_US;
    if (this.timer !== null && this.timer.atUs <= atUs) return;
    if (this.timer !== null) this.world.cancel(this.timer);
    this.timer = this.world.at(atUs, { kind: 'tick', process: this.pid });
  }

  /** Its node's clock has jumped: what was waited for may be due. */
  rearm(): void {
    this.disarm();
    this.arm();
  }

  disarm(): void {
    if (this.timer !== null) this.world.cancel(this.timer);
    this.timer = null;
  }
}

/** One step of a machine, seen from outside: laws, coverage and trace are told of each. */
export interface Stepped {
  readonly process: SimProcess;
  readonly machine: Pick<Machine<unknown, Stamped, unknown>, 'name'>;
  readonly state: unknown;
  readonly input: Stamped;
  readonly effects: readonly { readonly kind: string }[];
}
