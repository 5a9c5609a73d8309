/**
 * Where a command's words go: data on stdout, talk on stderr.
 *
 * Lives here: writing, colours (chalk ignores NO_COLOR, so this is the one wrapper), closed pipes. Does not live
 * here: what is written.
 */
import { Chalk } from 'chalk';
import { EXIT } from '../core/exit-code.ts';
import type { Style } from '../core/tables.ts';
import { PLAIN_STYLE } from '../core/tables.ts';

/** Writes data to stdout. */
export function writeData(text: string): void {
  process.stdout.write(text);
}

/** Tells the person at the terminal one line, on stderr. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Colours for a stream: none without a terminal, with `NO_COLOR` or with `TERM=dumb`; `FORCE_COLOR` wins over the terminal. */
export function styleFor(stream: NodeJS.WriteStream): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return PLAIN_STYLE;
  const isForced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  if (!isForced && (!stream.isTTY || TERM === 'dumb')) return PLAIN_STYLE;
  const chalk = new Chalk({ level: 1 });
  // chalk writes all its arguments: of `titles.map(style.heading)` the index and the whole list as well
  return {
    heading: (text) => chalk.bold(text),
    good: (text) => chalk.green(text),
    warn: (text) => chalk.yellow(text),
    bad: (text) => chalk.red(text),
    faint: (text) => chalk.dim(text),
  };
}

/**
 * `ssmmp logs -f | head` closes our stdout: that ends a command that only prints, quietly; a full disk behind it ends
 * one with a sentence. A command that owns a cluster (`ssmmp up`) must go on to its clean-up and only stops writing.
 */
export function onClosedPipe(action: 'end' | 'ignore'): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (action === 'ignore') return;
      if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(0);
      if (stream === process.stdout) process.stderr.write(`ssmmp: stdout cannot be written: ${error.message}\n`);
      process.exit(EXIT.failed); // a full disk, say
    });
  }
}
