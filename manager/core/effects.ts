/**
 * Everything the Manager can cause.
 *
 * Lives here: the closed union of effects and the events of the history. Does not live here: how one is
 * performed (manager/shell/perform.ts).
 */

/** What the history says happened: one line for people (`text`), and data for programs. */
export interface ManagerEvent {
  /** Grows by one with each event of a cluster, across restarts. */
  readonly seq: number;
  readonly what: 'manager' | 'agent' | 'instance' | 'session' | 'service' | 'command' | 'protocol';
  readonly text: string;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

export type ManagerEffect =
  /** Send one line (without LF). A connection that is gone swallows it. */
  | { readonly kind: 'send'; readonly connection: number; readonly line: string }
  /** Send what is under way, then close. A `connection_closed` follows. */
  | { readonly kind: 'close'; readonly connection: number; readonly why: string }
  /** The answer to an operator's command; status after HTTP. */
  | {
      readonly kind: 'reply';
      readonly request: number;
      readonly status: number;
      readonly body: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'event'; readonly event: ManagerEvent };
