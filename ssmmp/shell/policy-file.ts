/**
 * Policies of one's own: from a file beside the graph to code that a Manager can keep.
 *
 * Lives here: reading and compiling the files that a graph names, with the place of everything that is wrong. Does not
 * live here: running one (policy-worker.ts).
 *
 * The file is TypeScript or JavaScript and may import others of its own folder; all of it becomes one piece of code, which
 * goes into the graph and with it into the Manager's journal. So an applied policy survives a restart of the Manager like
 * the rest of an applied graph, whatever has become of the file (decision 0007). A policy computes: it may import no
 * module of Node and no package.
 */
import { dirname, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { POLICY_KINDS, POLICY_CODE_MAX, type PolicyFile, type PolicyKind } from '../core/policy.ts';
import type { Graph, GraphPolicies } from '../core/graph.ts';
import { PolicyWorker } from './policy-worker.ts';

export type CompiledGraph =
  | { readonly ok: true; readonly graph: Graph }
  /** Each a line for people, with file, line and column where there is one. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** The graph with the code of the files its policies name, found from the folder of `graphFile`. Never rejects. */
export async function compilePolicies(graph: Graph, graphFile: string): Promise<CompiledGraph> {
  const problems: string[] = [];
  const policies: Partial<Record<PolicyKind, unknown>> = { ...graph.policies };
  for (const kind of POLICY_KINDS) {
    const policy = graph.policies[kind];
    if (typeof policy !== 'object') continue;
    const compiled = await compilePolicy(kind, policy.file, dirname(resolve(graphFile)));
    const worker = compiled.ok ? await PolicyWorker.load(kind, policy.file, compiled.code) : null;
    if (typeof worker === 'string') problems.push(worker);
    else worker?.end();
    if (compiled.ok) policies[kind] = { file: policy.file, code: compiled.code } satisfies PolicyFile;
    else problems.push(...compiled.problems);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, graph: { ...graph, policies: policies as unknown as GraphPolicies } };
}

export type CompiledPolicy =
  { readonly ok: true; readonly code: string } | { readonly ok: false; readonly problems: readonly string[] };

/** The code of one policy file. It is CommonJS with a source map; `exports` holds a function named as the kind. */
export async function compilePolicy(kind: PolicyKind, file: string, folder: string): Promise<CompiledPolicy> {
  const path = resolve(folder, file);
  if (!existsSync(path))
    return { ok: false, problems: [`${file}: the ${kind} policy is not there; looked for ${path}`] };
  // Loaded only when a graph names a file: a Manager without one need not wait for it.
  const { buildSync } = await import('esbuild');
  let code: string;
  let exports: readonly string[];
  try {
    const options = { ...OPTIONS, absWorkingDir: folder, entryPoints: [path] };
    // How the names of a module are found: only the ES form lists them.
    const module = buildSync({ ...options, format: 'esm', metafile: true });
    exports = Object.values(module.metafile.outputs)[0]?.exports ?? [];
    code =
      buildSync({ ...options, format: 'cjs', sourcemap: 'inline', sourcesContent: false }).outputFiles[0]?.text ?? '';
  } catch (error) {
    return { ok: false, problems: problemsOf(error, file) };
  }
  if (!exports.includes(kind) && !exports.includes('default')) {
    const has = exports.length === 0 ? 'nothing' : exports.join(', ');
    const problem = `${file}:1:1 exports ${has}; expected a function '${kind}': export function ${kind}(view) { … } (docs/policies.md)`;
    return { ok: false, problems: [problem] };
  }
  if (code.length > POLICY_CODE_MAX)
    return {
      ok: false,
      problems: [`${file}: ${code.length} characters compiled; expected at most ${POLICY_CODE_MAX}`],
    };
  return { ok: true, code };
}

const OPTIONS = {
  bundle: true,
  write: false,
  outdir: 'policies',
  platform: 'neutral',
  target: 'node20',
  charset: 'ascii',
  logLevel: 'silent',
  // Whatever tsconfig.json lies around: the same file means the same everywhere.
  tsconfigRaw: '{}',
} as const;

interface BuildMessage {
  readonly text: string;
  readonly location: {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly lineText: string;
  } | null;
}

function problemsOf(error: unknown, file: string): string[] {
  const { errors } = error as { errors?: readonly BuildMessage[] };
  if (errors === undefined) return [`${file}: ${(error as Error).message}`];
  return errors.map(({ text, location }) => {
    const hint = text.startsWith('Could not resolve')
      ? '; a policy computes, and may import files of its own folder only'
      : '';
    if (location === null) return `${file}: ${text}${hint}`;
    return `${location.file}:${location.line}:${location.column + 1} ${text}${hint}: ${location.lineText.trim()}`;
  });
}
