/**
 * The repository file that the agents of a testbed get.
 *
 * Lives here: choosing or making one for a graph. Does not live here: what a repository file is
 * (ssmmp/core/repository-file.ts).
 *
 * The built-in repository knows the services of the reference CNApp. For a graph with other services every unknown
 * one runs the generic `relay`, so that any graph can be watched at work without writing a line of code.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { liveVersions, programOf, type Graph } from '../../ssmmp/core/graph.ts';
import { formatProblem } from '../../ssmmp/core/located-yaml.ts';
import { parseRepository } from '../../ssmmp/core/repository-file.ts';
import type { RepositoryService } from '../../ssmmp/core/repository-file.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { distFile, distFolder } from './dist-folder.ts';

export interface RepositoryChoice {
  readonly file: string;
  /** Services of the graph that run the generic relay. */
  readonly relayed: readonly string[];
}

/** The file asked for, else the built-in one where it knows all services, else one made in the state directory. */
export function chooseRepository(graph: Graph, wanted: string | null, stateDir: string): RepositoryChoice {
  if (wanted !== null) {
    const file = resolve(wanted);
    const services = readRepository(file);
    const missing = programsOf(graph)
      .map(({ program }) => program)
      .filter((program) => !services.has(program));
    if (missing.length === 0) return { file, relayed: [] };
    const message = `${wanted} has no program for ${missing.join(', ')} of the graph; add \`${missing[0]}: {run: [...]}\` under services`;
    throw new OperatorError(EXIT.failed, message);
  }
  const builtIn = join(distFolder(), 'repository.yaml');
  const known = existsSync(builtIn) ? readRepository(builtIn) : new Map<string, RepositoryService>();
  const programs = programsOf(graph);
  if (programs.every(({ program }) => known.has(program))) return { file: builtIn, relayed: [] };
  const relay = { run: ['node', distFile(join('services', 'relay.js'))] };
  const relayed: string[] = [];
  const services = programs.map(({ program, service: name }) => {
    // A version without a program of its own runs its service's: enough to try weights out.
    const service = known.get(program) ?? known.get(name);
    if (service === undefined) relayed.push(program);
    return [
      program,
      service === undefined
        ? relay
        : { run: absolute(service.run, dirname(builtIn)), env: service.env, spares: service.spares },
    ];
  });
  const file = join(stateDir, 'repository.yaml');
  writeFileSync(
    file,
    `# made by \`ssmmp up\` for the graph ${graph.cnapp}\n${stringify({ services: Object.fromEntries(services) })}`,
  );
  return { file, relayed };
}

/** Every program the graph can ask for: services, or their versions. */
function programsOf(graph: Graph): { readonly program: string; readonly service: string }[] {
  return graph.services.flatMap((vertex) => {
    const { name: service } = vertex;
    const versions = liveVersions(vertex);
    if (versions.length === 0) return [{ program: service, service }];
    return versions.map(({ name }) => ({ program: programOf(service, name), service }));
  });
}

function readRepository(file: string): ReadonlyMap<string, RepositoryService> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(EXIT.failed, `the repository file ${file} cannot be read (${(error as Error).message})`);
  }
  const result = parseRepository(text, file);
  if (result.ok) return result.services;
  throw new OperatorError(EXIT.failed, result.problems.map(formatProblem).join('\n'));
}

/** Paths start at the repository's own folder; the new file stands in another one. */
function absolute(run: readonly string[], folder: string): string[] {
  return run.map((word) => (word.includes('/') && existsSync(join(folder, word)) ? join(folder, word) : word));
}
