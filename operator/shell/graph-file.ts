/**
 * Reading a graph file for a command.
 *
 * Lives here: reading, and problems as an error for people. Does not live here: what a graph is.
 */
import { readFileSync } from 'node:fs';
import type { Graph } from '../../ssmmp/core/graph.ts';
import { parseGraph } from '../../ssmmp/core/graph-parse.ts';
import { formatProblem } from '../../ssmmp/core/located-yaml.ts';
import { POLICY_KINDS } from '../../ssmmp/core/policy.ts';
import { compilePolicies } from '../../ssmmp/shell/policy-file.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { tell } from './output.ts';

/** The graph of a file, its policies compiled; warnings go to stderr. Rejects with OperatorError and every problem. */
export async function readGraphFile(file: string): Promise<Graph> {
  return await checked(readText(file), file);
}

/** What is sent to a Manager of a file that holds a good graph. Rejects as readGraphFile for one that does not. */
export async function readGraphText(
  file: string,
): Promise<{ readonly text: string; readonly policies?: Readonly<Record<string, string>> }> {
  const text = readText(file);
  const { policies } = await checked(text, file);
  const codes: Record<string, string> = {};
  for (const kind of POLICY_KINDS) {
    const policy = policies[kind];
    if (typeof policy === 'object') codes[policy.file] = policy.code;
  }
  return Object.keys(codes).length === 0 ? { text } : { text, policies: codes };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new OperatorError(
      EXIT.failed,
      `the graph file ${file} cannot be read (${cause}); examples are in labs/graphs`,
    );
  }
}

async function checked(text: string, file: string): Promise<Graph> {
  const result = parseGraph(text, file);
  if (!result.ok) throw new OperatorError(EXIT.failed, result.problems.map(formatProblem).join('\n'));
  for (const warning of result.warnings) tell(formatProblem(warning));
  const compiled = await compilePolicies(result.graph, file);
  if (!compiled.ok) throw new OperatorError(EXIT.failed, compiled.problems.join('\n'));
  return compiled.graph;
}
