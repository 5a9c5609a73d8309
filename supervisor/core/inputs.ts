/**
 * Everything that can happen to a supervisor.
 *
 * Lives here: the closed union of inputs. Does not live here: what follows from one (step.ts, life.ts). Each input of a
 * process names it by the number of its `run`, so that a late word about one that is gone meets nobody.
 */

/** A process, as the shell knows it. */
export interface ManagerProcess {
  readonly pid: number;
  /** See ssmmp/shell/process-identity.ts. */
  readonly startTime: string | null;
}

export type SupervisorInput =
  /** The supervisor starts. `found`: the Manager of an earlier supervisor, if it still runs. */
  | {
      readonly kind: 'supervisor_started';
      readonly at: number;
      readonly timerScale: number;
      readonly found: ManagerProcess | null;
    }
  /** The program was started. */
  | { readonly kind: 'manager_spawned'; readonly at: number; readonly run: number; readonly process: ManagerProcess }
  /** It could not even be started. */
  | { readonly kind: 'spawn_failed'; readonly at: number; readonly run: number; readonly why: string }
  /** Proof of death: the system says that the process is gone. `how`: `exit code 1`, `signal SIGKILL`. */
  | {
      readonly kind: 'manager_ended';
      readonly at: number;
      readonly run: number;
      readonly how: string;
      /** It ended by itself, by an exit code other than 0. */
      readonly isRefusal: boolean;
    }
  /** It answered the question `probe` (or any later one), or its journal did. */
  | { readonly kind: 'manager_answered'; readonly at: number; readonly run: number }
  | { readonly kind: 'stop_requested'; readonly at: number }
  | { readonly kind: 'tick'; readonly at: number };
