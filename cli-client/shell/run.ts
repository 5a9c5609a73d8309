/**
 * A whole run of `cnapp`: words in, exit code out. main.ts gives it the process, tests give it streams of their own.
 */
import { EXIT, usageFailure } from '../core/exit.ts';
import { OUTPUT_FORMATS } from '../core/render.ts';
import type { OutputFormat } from '../core/render.ts';
import { Context } from './context.ts';
import type { Io } from './io.ts';
import { Printer } from './print.ts';
import { parseWords } from './program.ts';
import { runShell } from './repl.ts';
import { asFailure, runVerb } from './run-verb.ts';

/** After Ctrl-C so long is waited for files to be closed. */
const ABANDON_MS = 500;

/** Runs one command line. `interrupt` is Ctrl-C: what runs ends cleanly, and the code is 130. Does not throw but for bugs. */
export async function runCommandLine(words: readonly string[], io: Io, interrupt: AbortSignal): Promise<number> {
  const printer = new Printer(io, 'table');
  let context: Context | null = null;
  try {
    const parsed = parseWords(words, io, outputOf(io), false);
    if (parsed.kind === 'over') return parsed.exit;
    const { options } = parsed;
    context = new Context(io, options, new Printer(io, options.output));
    if (parsed.kind === 'shell') return await runShell(context, options.output, interrupt);
    return await orInterrupted(runVerb(context, parsed.verb, parsed.given), context, interrupt);
  } catch (error) {
    const failure = asFailure(error);
    if (failure === null) throw error;
    printer.failure(failure);
    return failure.exit;
  } finally {
    context?.close();
  }
}

async function orInterrupted(running: Promise<number>, context: Context, interrupt: AbortSignal): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const interrupted = new Promise<number>((resolve) => {
    const onAbort = (): void => {
      context.interrupt();
      // What waits for something that never comes may not hear of it: then there is nothing to clean up either.
      timer = setTimeout(() => resolve(EXIT.interrupted), ABANDON_MS);
    };
    if (interrupt.aborted) onAbort();
    else interrupt.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([running, interrupted]).finally(() => clearTimeout(timer));
}

/** The format where no flag says one: CNAPP_OUTPUT, else a table. */
function outputOf(io: Io): OutputFormat {
  const said = io.env['CNAPP_OUTPUT'] ?? '';
  const format = said === '' ? 'table' : OUTPUT_FORMATS.find((name) => name === said);
  if (format === undefined) {
    throw usageFailure(`CNAPP_OUTPUT is '${said}'; expected one of ${OUTPUT_FORMATS.join(', ')}`);
  }
  return format;
}
