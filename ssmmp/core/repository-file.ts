/**
 * An agent's repository file: the programs its node can run.
 *
 * Lives here: shape, limits and problems of the file. Does not live here: starting a program, the folder that
 * relative paths start from (the file's own, which is the agent's business).
 *
 * A program may be written in any language: `run` is its command line, to which the agent appends the five
 * arguments of the specification. `sockets` and `plugs` may be left out; where they are there, the agent
 * compares them with what the Manager's graph asks for.
 */
import { z } from 'zod';
import { programOf } from './graph.ts';
import { LocatedYaml, shown, strictMessage } from './located-yaml.ts';
import type { FileProblem, YamlPath } from './located-yaml.ts';
import { isName } from './names.ts';

/** Most services of one repository, words of one command line, and idle processes kept of one service. */
export const REPOSITORY_SERVICES_MAX = 4096;
export const RUN_WORDS_MAX = 64;
export const SPARES_MAX = 16;
/** Environment names the agent sets itself. */
const OWN_ENV = ['SSMMP_AGENT_PORT', 'SSMMP_DATA_DIR', 'SSMMP_TIMER_SCALE', 'SSMMP_TIMERS', 'SSMMP_RECORD_DIR'];
const NAME_EXPECTED = "a letter or digit, then at most 63 of letters, digits, '_', '.' and '-' (R06)";

export interface RepositoryService {
  readonly name: string;
  /** Null where the file does not say. */
  readonly sockets: readonly string[] | null;
  readonly plugs: readonly string[] | null;
  /** Program and arguments; never empty. */
  readonly run: readonly string[];
  /** Added to the clean environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Idle processes kept ready for a role; 0: none. */
  readonly spares: number;
}

export type RepositoryResult =
  | { readonly ok: true; readonly services: ReadonlyMap<string, RepositoryService> }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const SERVICE_KEYS = ['sockets', 'plugs', 'run', 'env', 'spares', 'versions'];
const VERSION_KEYS = SERVICE_KEYS.slice(0, -1);

const names = z
  .array(z.string({ error: 'a name' }).refine(isName, { error: NAME_EXPECTED }), { error: 'a list of names' })
  .refine((list) => new Set(list).size === list.length, { error: 'each name once' });
const runWord = z.string({ error: 'a text (write numbers in quotes)' }).refine((word) => !word.includes('\0'), {
  error: 'a text without NUL',
});
const spares = { error: `a whole number from 0 to ${SPARES_MAX}` };
const versionFields = {
  sockets: names.optional(),
  plugs: names.optional(),
  run: z
    .array(runWord, { error: 'a list: program and arguments, such as [node, dist/services/post.js]' })
    .min(1, { error: 'at least a program, such as [node, dist/services/post.js]' })
    .max(RUN_WORDS_MAX, { error: `at most ${RUN_WORDS_MAX} words` })
    .refine((words) => words[0] !== '', { error: 'a program before the arguments' }),
  env: z
    .record(z.string(), z.string({ error: 'a text (write numbers and true or false in quotes)' }), {
      error: 'a map of names and texts such as {LOG_LEVEL: debug}',
    })
    .optional(),
  spares: z.number(spares).int(spares).min(0, spares).max(SPARES_MAX, spares).optional(),
};
const versionShape = z.strictObject(
  { ...versionFields, run: versionFields.run.optional() },
  strictMessage('a map such as {run: [node, dist/services/post-v2.js]}, or {} for what the service runs', VERSION_KEYS),
);
const serviceShape = z.strictObject(
  {
    ...versionFields,
    versions: z
      .record(z.string(), z.unknown(), { error: 'a map of versions such as {v2: {run: [node, post-v2.js]}}' })
      .optional(),
  },
  strictMessage('a map such as {run: [node, dist/services/post.js]}', SERVICE_KEYS),
);
const fileShape = z.strictObject(
  {
    services: z.record(z.string(), z.unknown(), { error: 'a map of services such as {post: {run: [node, post.js]}}' }),
  },
  strictMessage('a map with the key services', ['services']),
);

/** Reads a repository file from YAML or JSON; every problem at once with line and column. Never throws. */
export function parseRepository(text: string, fileName: string): RepositoryResult {
  const file = new LocatedYaml(text, fileName);
  if (file.failed) return { ok: false, problems: file.problems };
  const top = file.check(fileShape, file.value, [], subjectOf);
  const entries = Object.entries(top?.services ?? {});
  if (entries.length > REPOSITORY_SERVICES_MAX) {
    const [found, expected] = [`${entries.length} services`, `at most ${REPOSITORY_SERVICES_MAX}`];
    const sentence = `the repository has ${found}; expected ${expected}`;
    file.report(['services'], 'key', { found, expected, sentence });
    return { ok: false, problems: file.problems };
  }
  const services = new Map<string, RepositoryService>();
  for (const [name, entry] of entries) {
    for (const program of readService(name, entry, file)) {
      if (!services.has(program.name)) services.set(program.name, program);
      else {
        const sentence = `'${program.name}' is a service and a version of one; expected different names`;
        file.report(['services', name], 'key', { found: program.name, expected: 'different names', sentence });
      }
    }
  }
  return file.failed ? { ok: false, problems: file.problems } : { ok: true, services };
}

/** The service, then its versions: programs of their own, `<service>.<version>`, that take what they do not say from it. */
function readService(name: string, entry: unknown, file: LocatedYaml): RepositoryService[] {
  const path = ['services', name];
  checkName('service name', name, path, file);
  const shape = file.check(serviceShape, entry, path, subjectOf);
  if (shape === null) return [];
  checkEnv(name, shape.env, path, file);
  const service: RepositoryService = {
    name,
    sockets: shape.sockets ?? null,
    plugs: shape.plugs ?? null,
    run: shape.run,
    env: shape.env ?? {},
    spares: shape.spares ?? 0,
  };
  const versions = Object.entries(shape.versions ?? {}).flatMap(([version, said]) => {
    const at = [...path, 'versions', version];
    const program = programOf(name, version);
    checkName('program name', program, at, file);
    const own = file.check(versionShape, said, at, subjectOf);
    if (own === null) return [];
    checkEnv(program, own.env, at, file);
    const { sockets, plugs, run, spares } = own;
    const env = { ...service.env, ...own.env };
    return [
      {
        name: program,
        sockets: sockets ?? service.sockets,
        plugs: plugs ?? service.plugs,
        run: run ?? service.run,
        env,
        spares: spares ?? 0,
      },
    ];
  });
  return [service, ...versions];
}

function checkName(what: string, name: string, path: YamlPath, file: LocatedYaml): void {
  if (isName(name)) return;
  const sentence = `the ${what} '${shown(name)}' is not a name; expected ${NAME_EXPECTED}`;
  file.report(path, 'key', { found: shown(name), expected: NAME_EXPECTED, sentence });
}

function checkEnv(
  name: string,
  env: Readonly<Record<string, string>> | undefined,
  path: YamlPath,
  file: LocatedYaml,
): void {
  for (const variable of Object.keys(env ?? {})) {
    const isOwn = OWN_ENV.includes(variable);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable) && !isOwn) continue;
    const expected = isOwn ? 'another name, the agent sets this one itself' : "letters, digits and '_', no digit first";
    const sentence = `env of service '${name}' names '${shown(variable)}'; expected ${expected}`;
    file.report([...path, 'env', variable], 'key', { found: shown(variable), expected, sentence });
  }
}

/** How a place in a repository file is called in a sentence. */
function subjectOf(path: YamlPath): string {
  const [first, service, ...rest] = path;
  if (first === undefined) return 'the repository';
  if (first !== 'services' || service === undefined) return path.join('.');
  return rest.length === 0 ? `service '${service}'` : `${rest.join('.')} of service '${service}'`;
}
