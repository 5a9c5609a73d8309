/**
 * Reading a graph file.
 *
 * Lives here: the shape of the file (zod schemas), its defaults, its limits. Does not live here: what makes
 * a well-shaped graph wrong (graph-checks.ts).
 *
 * Services and edges are read one by one, so that a broken one does not hide the problems of the others.
 */
import { z } from 'zod';
import { DURATION_EXPECTED, parseDuration } from './duration.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICIES, SERVICE_KINDS } from './graph.ts';
import type { Graph, GraphEdge, GraphPolicies, GraphService, ServiceKind, ServiceVersion } from './graph.ts';
import { checkGraph } from './graph-checks.ts';
import type { GraphDraft } from './graph-checks.ts';
import { describe, LocatedYaml, strictMessage } from './located-yaml.ts';
import type { FileProblem, YamlPath } from './located-yaml.ts';
import { isName } from './names.ts';
import { POLICY_KINDS, POLICY_NAME_MAX, type PolicyKind } from './policy.ts';

/** Most services and edges of one graph. */
export const SERVICES_MAX = 4096;
export const EDGES_MAX = 16384;
/** Most replicas of one service that a graph may ask for. */
export const REPLICAS_MAX = 1000;
/** The largest weight of a version. */
export const WEIGHT_MAX = 1000;
const EDGE_EXPECTED = '[source, [plug, socket], destination]';

/** One thing wrong in a graph file; `formatProblem` of located-yaml.ts makes it a line of text. */
export type GraphProblem = FileProblem;

/** Either the graph, with warnings that do not keep it from loading, or everything that is wrong with it. */
export type GraphResult =
  | { readonly ok: true; readonly graph: Graph; readonly warnings: readonly GraphProblem[] }
  | { readonly ok: false; readonly problems: readonly GraphProblem[] };

/** Default replicas of each kind; a gateway's `max` null is the number of nodes. */
const DEFAULT_REPLICAS: Readonly<Record<ServiceKind, { min: number; max: number | null }>> = {
  gateway: { min: 1, max: null },
  service: { min: 0, max: 5 },
  baas: { min: 1, max: 1 },
};

const GRAPH_KEYS = ['cnapp', 'alias', 'services', 'edges', 'policies'];
const SERVICE_KEYS = ['kind', 'public', 'replicas', 'idle_after', 'versions'];
const POLICY_KEYS = [...POLICY_KINDS];
/** Files that hold a policy of one's own. */
const POLICY_FILE = /\.(ts|mts|js|mjs)$/;

const replicaCount = z.number({ error: 'a whole number' }).int({ error: 'a whole number' });
const replicaLimit = replicaCount
  .min(0, { error: 'a number from 0' })
  .max(REPLICAS_MAX, { error: `a number up to ${REPLICAS_MAX}` });
const aliasPattern =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** The name of a built-in policy, or of a file. */
function policyShape(kind: PolicyKind): z.ZodType<string> {
  const names: readonly string[] = BUILT_IN_POLICIES[kind];
  const error = `${names.join(', ')}, or a file such as ./my-policies.ts`;
  return z
    .string({ error })
    .max(POLICY_NAME_MAX, { error })
    .refine((text) => names.includes(text) || POLICY_FILE.test(text), { error });
}

const serviceShape = z.strictObject(
  {
    kind: z.enum(SERVICE_KINDS, { error: 'gateway, service or baas' }),
    public: z
      .record(z.string(), z.number({ error: 'a port number' }).int({ error: 'a port number' }), {
        error: 'a map of socket names and ports such as {user-socket: 8080}',
      })
      .optional(),
    replicas: z
      .strictObject(
        { min: replicaLimit.optional(), max: replicaLimit.optional() },
        strictMessage('a map such as {min: 0, max: 5}', ['min', 'max']),
      )
      .optional(),
    idle_after: z
      .string({ error: DURATION_EXPECTED })
      .refine((text) => parseDuration(text) !== null, { error: DURATION_EXPECTED })
      .optional(),
    versions: z
      .record(
        z.string(),
        z
          .number({ error: 'a weight, a whole number from 0' })
          .int({ error: 'a whole number' })
          .min(0, { error: 'a weight from 0' })
          .max(WEIGHT_MAX, { error: `a weight up to ${WEIGHT_MAX}` }),
        { error: 'a map of versions and weights such as {v1: 9, v2: 1}' },
      )
      .optional(),
  },
  strictMessage('a map such as {kind: service}', SERVICE_KEYS),
);

const graphShape = z.strictObject(
  {
    cnapp: z
      .string({ error: 'a name' })
      .refine(isName, {
        error: "a name: a letter or digit, then at most 63 of letters, digits, '_', '.' and '-' (R06)",
      })
      .optional(),
    alias: z
      .string({ error: 'a DNS name such as gateway.social-media.test' })
      .regex(aliasPattern, { error: 'a DNS name such as gateway.social-media.test' })
      .optional(),
    services: z.record(z.string(), z.unknown(), { error: 'a map of services such as {post: {kind: service}}' }),
    edges: z.array(z.unknown(), { error: `a list of edges ${EDGE_EXPECTED}` }).optional(),
    policies: z
      .strictObject(
        {
          placement: policyShape('placement').optional(),
          balancing: policyShape('balancing').optional(),
          scaling: policyShape('scaling').optional(),
          restart: policyShape('restart').optional(),
        },
        strictMessage('a map such as {balancing: least-sessions}', POLICY_KEYS),
      )
      .optional(),
  },
  strictMessage(`a map with the keys ${GRAPH_KEYS.join(', ')}`, GRAPH_KEYS),
);

const edgeShape = z.tuple([z.string(), z.tuple([z.string(), z.string()]), z.string()]);

/**
 * Reads a graph from YAML or JSON. Reports every problem at once, in the order of the file, with line and
 * column; never throws. `fileName` is used in the problems, and names the CNApp where the file does not.
 */
export function parseGraph(text: string, fileName: string): GraphResult {
  const file = new LocatedYaml(text, fileName);
  if (file.failed) return { ok: false, problems: file.problems };
  const top = file.check(graphShape, file.value, [], subjectOf);
  const root = isMap(file.value) ? file.value : {};
  const services = readServices(root['services'], file);
  const edges = readEdges(root['edges'], file);
  const edgesInFile = root['edges'] === undefined ? 0 : Array.isArray(root['edges']) ? root['edges'].length : null;
  const isWhole = ![...services.values()].includes(null) && edges.length === edgesInFile;
  const draft: GraphDraft = { services, edges, isWhole };
  if (isMap(root['services']) && !isTooLarge(draft, file)) checkGraph(draft, file);
  if (file.failed || top === null) return { ok: false, problems: file.problems };
  const graph: Graph = {
    cnapp: top.cnapp ?? nameOfFile(fileName),
    alias: top.alias ?? null,
    services: [...draft.services.values()].filter((service) => service !== null),
    edges: draft.edges.map(({ edge }) => edge),
    policies: readPolicies(top.policies ?? {}),
  };
  return { ok: true, graph, warnings: file.warnings };
}

/** A file's code is read later, by who can read files (ssmmp/shell/policy-file.ts). */
function readPolicies(named: Readonly<Partial<Record<PolicyKind, string | undefined>>>): GraphPolicies {
  const policies: Partial<Record<PolicyKind, unknown>> = {};
  for (const kind of POLICY_KINDS) {
    const name = named[kind] ?? DEFAULT_POLICIES[kind];
    const isFile = typeof name === 'string' && !(BUILT_IN_POLICIES[kind] as readonly string[]).includes(name);
    policies[kind] = isFile ? { file: name, code: '' } : name;
  }
  return policies as GraphPolicies;
}

function readServices(value: unknown, file: LocatedYaml): Map<string, GraphService | null> {
  const services = new Map<string, GraphService | null>();
  if (!isMap(value)) return services;
  for (const [name, entry] of Object.entries(value)) {
    services.set(name, readService(name, entry, file));
  }
  return services;
}

function readService(name: string, entry: unknown, file: LocatedYaml): GraphService | null {
  const shape = file.check(serviceShape, entry, ['services', name], subjectOf);
  if (shape === null) return null;
  const defaults = DEFAULT_REPLICAS[shape.kind];
  const min = shape.replicas?.min ?? Math.min(defaults.min, shape.replicas?.max ?? defaults.min);
  const max =
    shape.replicas?.max ?? (defaults.max === null ? null : Math.max(defaults.max, shape.kind === 'baas' ? 1 : min));
  return {
    name,
    kind: shape.kind,
    publicSockets: Object.entries(shape.public ?? {}).map(([socket, port]) => ({ name: socket, port })),
    replicas: { min, max },
    idleAfterMs: shape.idle_after === undefined ? null : parseDuration(shape.idle_after),
    ...(shape.versions === undefined ? {} : { versions: versionsOf(shape.versions) }),
  };
}

function versionsOf(weights: Readonly<Record<string, number>>): ServiceVersion[] {
  return Object.entries(weights).map(([name, weight]) => ({ name, weight }));
}

function readEdges(value: unknown, file: LocatedYaml): { edge: GraphEdge; path: YamlPath }[] {
  const edges: { edge: GraphEdge; path: YamlPath }[] = [];
  if (!Array.isArray(value)) return edges;
  for (const [position, entry] of value.entries()) {
    const path = ['edges', position];
    const shape = edgeShape.safeParse(entry);
    if (shape.success) {
      const [source, [plug, socket], dest] = shape.data;
      edges.push({ edge: { source, plug, socket, dest }, path });
    } else {
      const found = describe(entry);
      const hint = /[[,]\d/.test(found) ? ', a name that looks like a number in quotes' : '';
      const sentence = `edge is ${found}; expected ${EDGE_EXPECTED}${hint}`;
      file.report(path, 'value', { found, expected: EDGE_EXPECTED, sentence });
    }
  }
  return edges;
}

function isTooLarge(draft: GraphDraft, file: LocatedYaml): boolean {
  const sizes = [
    ['services', draft.services.size, SERVICES_MAX],
    ['edges', draft.edges.length, EDGES_MAX],
  ] as const;
  for (const [what, size, most] of sizes) {
    if (size <= most) continue;
    const sentence = `the graph has ${size} ${what}; expected at most ${most}`;
    file.report([what], 'key', { found: `${size} ${what}`, expected: `at most ${most}`, sentence });
  }
  return sizes.some(([, size, most]) => size > most);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a place in a graph file is called in a sentence. */
function subjectOf(path: YamlPath): string {
  const [first, second, third, ...deeper] = path;
  if (first === undefined) return 'the graph';
  if (first === 'services' && second !== undefined) {
    if (third === undefined) return `service '${second}'`;
    return `${[third, ...deeper].join('.')} of service '${second}'`;
  }
  return path.join('.');
}

function nameOfFile(fileName: string): string {
  const stem = fileName.replace(/^.*[/\\]/, '').replace(/\.(ya?ml|json)$/i, '');
  return isName(stem) ? stem : 'cnapp';
}
