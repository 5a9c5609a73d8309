/**
 * The one wrapper around chalk: colour only on a terminal, and never with NO_COLOR (chalk itself does not look at it).
 */
import { Chalk } from 'chalk';
import type { Palette } from '../core/render.ts';
import type { Io, OutputStream } from './io.ts';

const BASIC_COLOURS = 1;
const NO_COLOURS = 0;

/** The colours for one stream. NO_COLOR counts when it is set and not empty (no-color.org), TERM=dumb too. */
export function paletteFor(stream: OutputStream, env: Io['env']): Palette {
  const isPlain = !stream.isTTY || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const chalk = new Chalk({ level: isPlain ? NO_COLOURS : BASIC_COLOURS });
  // chalk writes all its arguments, so it is given one: `titles.map(palette.strong)` would hand it the index too
  return {
    strong: (text) => chalk.bold(text),
    faint: (text) => chalk.dim(text),
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
  };
}
