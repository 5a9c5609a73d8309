/**
 * Everything a supervisor can cause.
 *
 * Lives here: the closed union of effects. Does not live here: how one is performed (supervisor/shell).
 */

export type SupervisorEffect =
  /** Start the Manager's program. Answered by `manager_spawned` or `spawn_failed`. */
  | { readonly kind: 'spawn'; readonly run: number }
  /** Watch a Manager that somebody else started: tell its end. */
  | { readonly kind: 'adopt'; readonly run: number; readonly pid: number; readonly startTime: string | null }
  /**
   * Ask the Manager whether it lives. Answered by `manager_answered`, or by nothing. `isJournalEnough`: that its journal has
   * grown since the question before is an answer too.
   */
  | { readonly kind: 'probe'; readonly run: number; readonly isJournalEnough: boolean }
  | { readonly kind: 'signal'; readonly run: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** The Manager answers for the first time, or again. */
  | { readonly kind: 'serving'; readonly pid: number; readonly restarts: number }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly text: string;
    }
  /** The supervisor is done. */
  | { readonly kind: 'stop'; readonly code: number; readonly why: string };
