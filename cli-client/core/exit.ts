/**
 * How a command ends: the exit codes, and the one kind of failure that commands raise and people see. Nothing else may
 * end a command on purpose; any other error is a bug and shows its stack.
 */

export const EXIT = {
  done: 0,
  failed: 1,
  gatewayNotReached: 3,
  notLoggedIn: 4,
  usage: 64,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command's failure. `status` is the gateway's status, or 0 where no gateway answered. */
export class CommandFailure extends Error {
  readonly exit: ExitCode;
  readonly status: number;
  readonly data: string | null;
  /** What to do next, where there is something to say. */
  readonly hint: string | null;

  constructor(exit: ExitCode, status: number, message: string, more: { data?: string | null; hint?: string } = {}) {
    super(message);
    this.name = 'CommandFailure';
    this.exit = exit;
    this.status = status;
    this.data = more.data ?? null;
    this.hint = more.hint ?? null;
  }
}

export function usageFailure(message: string, hint?: string): CommandFailure {
  return new CommandFailure(EXIT.usage, 0, message, hint === undefined ? {} : { hint });
}

export function notLoggedIn(message: string): CommandFailure {
  return new CommandFailure(EXIT.notLoggedIn, 401, message, { hint: 'log in with: cnapp login USER' });
}
