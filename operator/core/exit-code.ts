/**
 * How a command ends, and errors that are for people.
 *
 * Lives here: the exit codes and the error that carries one. Does not live here: printing.
 */

/** Exit codes of `ssmmp` (docs: design, "Names on the machine"). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Differences were found (plan). */
  differences: 2,
  /** Manager or gateway not reached. */
  unreachable: 3,
  usage: 64,
  /** `lab check`, `lab grade`: the check itself broke, which is nobody's wrong answer. */
  broken: 70,
  /** A Ctrl-C ended it in its middle, as a shell names it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected failure: the message says what was sent or found, what was expected and what to do. No stack is shown. */
export class OperatorError extends Error {
  readonly exitCode: ExitCode;
  /** A status of the protocol or of HTTP where there is one. */
  readonly status: number | null;
  readonly data: unknown;

  constructor(exitCode: ExitCode, message: string, status: number | null = null, data: unknown = null) {
    super(message);
    this.exitCode = exitCode;
    this.status = status;
    this.data = data;
  }
}

/** The end of a command that did what it was asked and whose exit code is an answer: nothing more is said. */
export class Outcome extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** The error as `-o json` prints it. */
export function errorJson(error: OperatorError): string {
  return JSON.stringify({
    status: error.status ?? (error.exitCode === EXIT.unreachable ? 503 : 500),
    message: error.message,
    data: error.data,
  });
}
