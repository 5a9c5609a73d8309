/**
 * The contract between a pure core and its shell.
 *
 * Lives here: what a machine is. Does not live here: any machine, any clock.
 *
 * Manager, agent and service instance are each a machine: a state, and a function that takes one input
 * with its time, changes the state and returns effects. A shell owns everything real. Its duties, in order:
 *
 *   1. stamp the input with the time (`at`, milliseconds since 1970, never going back)
 *   2. step
 *   3. append input and effects to the journal, and flush where the step asks for it
 *   4. only then perform the effects
 *   5. what an effect yields comes back as an input
 *   6. call again with a `tick` when `nextDeadline` has passed
 *
 * `step` changes the state in place (decision 0002: a copy for each message would cost more than the
 * message); nobody else may. It never throws on any input, whatever came off the wire, and uses neither
 * clock nor chance: the same inputs give the same effects, on any machine, for ever.
 */

/** Every input carries its time. `kind` tells the rest. */
export interface Stamped {
  readonly kind: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
}

/** What one step yields. */
export interface Step<Effect> {
  readonly effects: readonly Effect[];
  /** True when the journal must be on disk before the effects are performed. */
  readonly flush: boolean;
  /**
   * What a step learned on the way from outside (answers of a student's policy): it is recorded as part of the input, so
   * that a replay finds it there. Missing for nearly every step.
   */
  readonly recorded?: Readonly<Record<string, unknown>>;
}

/** A pure state machine. State, Input and Effect are plain JSON data, so that they can be journaled. */
export interface Machine<State, Input extends Stamped, Effect> {
  /** For journal headers and messages: `manager`, `agent`, `instance`. */
  readonly name: string;
  /** Raised when an old journal would replay differently. */
  readonly version: number;
  step(state: State, input: Input): Step<Effect>;
  /** When to call again with a tick if nothing else comes; null for never. */
  nextDeadline(state: State): number | null;
  /** The state as JSON data, and back: snapshots and state hashes are made of it. */
  save(state: State): unknown;
  load(saved: unknown): State;
}
