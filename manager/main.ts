/**
 * The Manager as a program.
 *
 * Lives here: arguments, files, signals, exit codes. Does not live here: the order of a start (shell/manager.ts). Exit
 * codes: 0 stopped, 1 could not start, 64 wrong arguments.
 */
import { readFileSync } from 'node:fs';
import type { Graph } from '../ssmmp/core/graph.ts';
import { parseGraph } from '../ssmmp/core/graph-parse.ts';
import { formatProblem } from '../ssmmp/core/located-yaml.ts';
import { openLog } from '../ssmmp/shell/log.ts';
import { compilePolicies } from '../ssmmp/shell/policy-file.ts';
import { StartError, startManager, type Outage } from './shell/manager.ts';
import { readOptions, USAGE } from './shell/options.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) return say(process.stdout, USAGE, 0);
  const options = readOptions(args, process.env);
  if (typeof options === 'string') return say(process.stderr, `${options}\n\n${USAGE}`, EXIT_USAGE);
  const graph = await readGraph(options.graphFile);
  const stopped = signalled();
  const log = openLog({ actor: 'Manager' });
  // Once, but for a disk that was full: then from its journal again, in the same process.
  for (let outage: Outage | null = null; ;) {
    const manager = await startManager(options, { graph, log, ...(outage === null ? {} : { outage }) });
    say(process.stdout, `${manager.readyLine}\n`, 0);
    outage = await Promise.race([stopped.then(() => null), manager.writableAgain]);
    await manager.stop();
    if (outage === null) return 0;
    log.warn('the disk takes writes again: the Manager starts again from its journal');
  }
}

/** Resolves at the first SIGTERM or SIGINT; those that follow change nothing, the stop is under way. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
}

async function readGraph(file: string): Promise<Graph | string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return `the graph ${file} cannot be read: ${(error as Error).message}`;
  }
  const result = parseGraph(text, file);
  if (!result.ok) return result.problems.map(formatProblem).join('\n');
  const compiled = await compilePolicies(result.graph, file);
  return compiled.ok ? compiled.graph : compiled.problems.join('\n');
}

function say(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(text);
  return code;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      error instanceof StartError ? `${error.message}\n` : `${(error as Error).stack ?? String(error)}\n`,
    );
    process.exit(EXIT_FAILED);
  },
);
