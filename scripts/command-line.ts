/**
 * The command line of the repository's own commands, those that are typed as `npm run NAME -- …`.
 *
 * Lives here: help that leads with examples, and what a wrong command line gets (a sentence, exit code 64). Does not live
 * here: any command, or its options; `ssmmp` and `cnapp` have their own.
 */
import { Command, InvalidArgumentError, type CommanderError } from 'commander';

const EXIT_USAGE = 64;

/**
 * A command to which options and arguments are added, and which is then parsed (`.parse()`).
 *
 * `examples` are pairs: what stands after `npm run NAME`, and what it does. Asked for help, it prints it and ends with 0.
 * A word that it does not know gets a sentence and the way to the help, and ends with 64.
 */
export function commandLine(
  name: string,
  about: string,
  examples: readonly (readonly [words: string, meaning: string])[],
): Command {
  // Whoever reads along (`| head`) may have read enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const lines = examples.map(([words, meaning]) => [`npm run ${name}${words === '' ? '' : ` -- ${words}`}`, meaning]);
  const width = Math.max(...lines.map(([line]) => line?.length ?? 0));
  return new Command(`npm run ${name} --`)
    .description(about)
    .addHelpText(
      'before',
      `Examples:\n${lines.map(([line, what]) => `  ${line?.padEnd(width)}  ${what}`).join('\n')}\n`,
    )
    .showHelpAfterError(`(npm run ${name} -- --help shows examples)`)
    .exitOverride((error: CommanderError) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));
}

/** Reads an option's whole number within limits. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Reads an option's list of words, split at commas, each of which must be one of `choices`. */
export function someOf<T extends string>(choices: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(',').map((word) => {
      const found = choices.find((choice) => choice === word);
      if (found === undefined) throw new InvalidArgumentError(`Expected some of ${choices.join(',')}.`);
      return found;
    });
}
