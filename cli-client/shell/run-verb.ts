/**
 * Running one verb and telling how it ended: every failure that people may see becomes a sentence and an exit code here.
 */
import { CommandFailure, EXIT } from '../core/exit.ts';
import type { VerbName } from '../core/verbs.ts';
import { COMMANDS } from './commands.ts';
import type { Given } from './commands.ts';
import type { Context } from './context.ts';
import { ClientClosed, GatewayNotReached } from './link.ts';
import { Interrupted } from './prompt.ts';

/** Runs one verb; prints what went wrong. */
export async function runVerb(context: Context, verb: VerbName, given: Given): Promise<number> {
  try {
    await COMMANDS[verb](context, given);
    return EXIT.done;
  } catch (error) {
    if (error instanceof Interrupted || (error instanceof ClientClosed && context.isInterrupted)) {
      context.printer.talk(interruptedSentence(verb));
      return EXIT.interrupted;
    }
    if (error instanceof GatewayNotReached) {
      const hint = isTransfer(verb) ? 'the same command goes on where it stopped' : 'try again later';
      context.printer.failure(new CommandFailure(EXIT.gatewayNotReached, 0, error.message, { hint }));
      return EXIT.gatewayNotReached;
    }
    const failure = asFailure(error);
    if (failure === null) throw error;
    context.printer.failure(failure);
    return failure.exit;
  }
}

/** A failure in the words people know: file system errors become one, others are none and go on as bugs. */
export function asFailure(error: unknown): CommandFailure | null {
  if (error instanceof CommandFailure) return error;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && typeof syscall === 'string') return new CommandFailure(EXIT.failed, 0, message);
  return null;
}

function interruptedSentence(verb: VerbName): string {
  return isTransfer(verb) ? 'Interrupted; the same command goes on where it stopped.' : 'Interrupted.';
}

function isTransfer(verb: VerbName): boolean {
  return verb === 'send-file' || verb === 'get-file';
}
