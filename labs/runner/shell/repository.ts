/**
 * A repository file for a lab that brings services of its own: `services/<name>.ts` in the lab's folder.
 *
 * Lives here: building them, and the file that an agent reads. Does not live here: what a repository file is
 * (ssmmp/core/repository-file.ts).
 *
 * Such a service takes the place of the built-in one of its name. All others are as they are in the clone.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { formatProblem } from '../../../ssmmp/core/located-yaml.ts';
import { parseRepository } from '../../../ssmmp/core/repository-file.ts';
import { bundle } from './bundle.ts';
import type { Places } from './places.ts';

/** What is built into a folder: `built/<name>.cjs` and this file. */
export const REPOSITORY_FILE = 'repository.yaml';

/** Services of a lab: those of its folder `services/` that call runService. */
export function servicesOf(labFolder: string): ReadonlyMap<string, string> {
  const folder = join(labFolder, 'services');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ts')) : [];
  const programs = files.filter((name) => /^runService\(/m.test(readFileSync(join(folder, name), 'utf8')));
  return new Map(programs.map((name) => [name.slice(0, -'.ts'.length), join(folder, name)]));
}

/** Builds services into `folder` and writes a repository with them and all built-in ones. Gives the file's path. */
export async function writeRepository(
  services: ReadonlyMap<string, string>,
  folder: string,
  places: Places,
): Promise<string> {
  const builtIn = join(places.dist, 'repository.yaml');
  const known = parseRepository(readFileSync(builtIn, 'utf8'), builtIn);
  if (!known.ok) throw new Error(known.problems.map(formatProblem).join('\n'));
  const entries: Record<string, { run: string[]; env?: Readonly<Record<string, string>> }> = {};
  for (const [name, { run, env }] of known.services)
    entries[name] = { run: run.map((word) => (word.includes('/') ? join(places.dist, word) : word)), env };
  for (const [name, source] of services) {
    // .cjs, and not .js: students' folders lie in the clone, which is a package of ES modules
    const program = join(folder, 'built', `${name}.cjs`);
    await bundle(source, program, places);
    entries[name] = { run: ['node', relative(folder, program)] };
  }
  const path = join(folder, REPOSITORY_FILE);
  writeFileSync(
    path,
    `# made by \`ssmmp lab start\`: what the agents of this lab can run\n${stringify({ services: entries })}`,
  );
  return path;
}
