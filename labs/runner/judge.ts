/**
 * What a driver of a lab says to its check: a program of ours that has a student's code in its own process.
 *
 * Lives here: hearing what the check asks, and telling it what came. Does not live here: the check's side (`Work.judged`).
 *
 * Theory. Code in the same process could print a verdict of its own and end. So the check sends a secret on stdin, which is read when
 * this module is loaded: import it first, before anything of the student. A verdict without the secret is none. What a student's
 * code must not know, such as a hidden seed, comes the same way; arguments can be read by anybody.
 */
import { readFileSync, writeSync } from 'node:fs';

const stringify = JSON.stringify;
const write = writeSync;
const STDOUT = 1;

/** What the check sends. */
export interface Asked {
  readonly secret: string;
  readonly seed: number;
}

const asked = hear();

/** The seed of the run. */
export const seed = asked.seed;

/** Tells the check something; what has told all, ends. */
export function tellCheck(value: unknown): void {
  const bytes = Buffer.from(`${asked.secret} ${stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += write(STDOUT, bytes, at);
}

function hear(): Asked {
  const text = readFileSync(0, 'utf8');
  return text === '' ? { secret: '-', seed: 1 } : (JSON.parse(text) as Asked);
}
