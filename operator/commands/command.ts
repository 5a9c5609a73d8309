/**
 * What all commands share.
 *
 * Lives here: examples in the help, the settings of a command, words to values. Does not live here: any command.
 */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { parseNode } from '../core/addresses.ts';
import { EXIT } from '../core/exit-code.ts';
import { stepsOf, stepsText } from '../core/steps.ts';
import { OperatorClient } from '../shell/operator-client.ts';
import { styleFor, writeData } from '../shell/output.ts';
import { readSettings } from '../shell/settings.ts';
import type { GlobalOptions, Settings } from '../shell/settings.ts';

/** Help leads with examples: what is typed, and what it does. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, meaning: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  ${line.padEnd(width)}  ${meaning}`);
  return command.addHelpText('before', `Examples:\n${lines.join('\n')}\n`);
}

/** The cluster a command means. */
export function settingsOf(command: Command): Settings {
  return readSettings(command.optsWithGlobals<GlobalOptions>());
}

/** Its Manager's operator port. */
export function clientOf(command: Command): OperatorClient {
  return new OperatorClient(settingsOf(command));
}

/** Reads an option's whole number within limits; commander tells the person. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Reads an argument NODE; commander tells the person. */
export function nodeArgument(text: string): string {
  if (parseNode(text) !== null) return text;
  throw new InvalidArgumentError(
    'Expected a node: its number such as 2, or its address; `ssmmp get nodes` lists them.',
  );
}

/** What a command was answered, as JSON, or as a sentence for people. */
export function writeAnswer(answer: Readonly<Record<string, unknown>>, sentence: string, command: Command): void {
  const isJson = settingsOf(command).output === 'json';
  writeData(isJson ? `${JSON.stringify(answer, null, 2)}\n` : `${sentence}\n`);
}

/** What a command would do (`--dry-run`). */
export function writeSteps(answer: Readonly<Record<string, unknown>>, command: Command): void {
  const isJson = settingsOf(command).output === 'json';
  writeData(isJson ? `${JSON.stringify(answer, null, 2)}\n` : stepsText(stepsOf(answer), styleFor(process.stdout)));
}

/** Under npx a terminal's Ctrl-C comes twice, from the terminal and from npx. */
const ECHO_MS = 1_000;

/**
 * Aborted when the person presses Ctrl-C or the command is asked to end; for commands that watch, or that have something
 * to undo. Who presses it again after a second ends the command at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let firstMs = Infinity;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (performance.now() - firstMs > ECHO_MS) process.exit(EXIT.interrupted);
      if (!controller.signal.aborted) firstMs = performance.now();
      controller.abort();
    });
  }
  return controller.signal;
}
