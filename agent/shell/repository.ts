/**
 * The agent's repository: read once, at the start.
 *
 * Lives here: the file, and what a `run` line means on this machine. Does not live here: the file's format
 * (ssmmp/core/repository-file.ts).
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatProblem } from '../../ssmmp/core/located-yaml.ts';
import { parseRepository, type RepositoryService } from '../../ssmmp/core/repository-file.ts';

/** All names together must fit into one initiation_request beside its other lines (R07). */
const NAMES_BYTES_MAX = 40 * 1024;

export interface Repository {
  readonly services: readonly RepositoryService[];
  /** The file's folder: paths in it start here, and so do the programs. */
  readonly folder: string;
}

/** Reads the file; a string says what is wrong, one problem a line. */
export function loadRepository(path: string): Repository | string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return `the repository ${path} cannot be read: ${(error as Error).message}`;
  }
  const result = parseRepository(text, path);
  if (!result.ok) return result.problems.map(formatProblem).join('\n');
  const services = [...result.services.values()];
  const bytes = services.reduce((sum, { name }) => sum + name.length + 2, 0);
  if (bytes > NAMES_BYTES_MAX)
    return `${path}: the names of its ${services.length} services take ${bytes} bytes; at most ${NAMES_BYTES_MAX} fit into a registration (R07)`;
  return { services, folder: dirname(path) };
}

/** Program and arguments as they are started: `node` is the Node that runs this agent, whatever PATH has. */
export function commandOf(service: RepositoryService): [program: string, ...args: string[]] {
  const [program, ...args] = service.run as [string, ...string[]];
  return [program === 'node' ? process.execPath : program, ...args];
}
