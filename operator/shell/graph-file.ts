/**
 * Reading a graph file for a command.
 *
 * Lives here: reading, and problems as an error for people. Does not live here: what a graph is.
 */
import { readFileSync } from 'node:fs';
import type { Graph } from '../../ssmmp/core/graph.ts';
import { parseGraph } from '../../ssmmp/core/graph-parse.ts';
import { formatProblem } from '../../ssmmp/core/located-yaml.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { tell } from './output.ts';

/** The graph of a file; warnings go to stderr. Throws OperatorError with every problem. */
export function readGraphFile(file: string): Graph {
  return checked(readText(file), file);
}

/** The text of a file that holds a good graph, to be sent on. As readGraphFile for one that does not. */
export function readGraphText(file: string): string {
  const text = readText(file);
  checked(text, file);
  return text;
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

function checked(text: string, file: string): Graph {
  const result = parseGraph(text, file);
  if (!result.ok) throw new OperatorError(EXIT.failed, result.problems.map(formatProblem).join('\n'));
  for (const warning of result.warnings) tell(formatProblem(warning));
  return result.graph;
}
