/**
 * Where the built programs are.
 *
 * Lives here: the folder of manager.js, agent.js and the services. Does not live here: building them
 * (scripts/build.mjs).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, OperatorError } from '../core/exit-code.ts';

/** The folder `dist/`: this file's own once it is bundled, else the one beside the sources. */
export function distFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return basename(here) === 'dist' ? here : resolve(here, '..', '..', 'dist');
}

/** A file of `dist/`. Throws OperatorError when it was not built. */
export function distFile(name: string): string {
  const path = join(distFolder(), name);
  if (existsSync(path)) return path;
  throw new OperatorError(
    EXIT.failed,
    `${path} is not there: the programs are not built. Build them with \`npm run build\`.`,
  );
}
