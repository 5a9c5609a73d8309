/**
 * Catching a mutant: its catcher runs in its tree, in a process of its own.
 *
 * Lives here: starting the catcher, its verdict, its time. Does not live here: which catcher (mutants/).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Catcher, Mutant } from './mutant.ts';
import { makeTree, ROOT, type Tree } from './tree.ts';

/** A catcher that takes longer has caught nothing; one that hangs because of the mutant is ended. */
const CATCH_MS_MAX = 120_000;

export interface Catch {
  readonly mutant: string;
  readonly caught: boolean;
  /** What noticed: the title of the test, or the law and how many moves deep. */
  readonly what: string;
  /** Processor time of the catcher, in milliseconds. */
  readonly cpuMs: number;
}

/** Plants the mutant in a tree and runs its catcher on it, or another one. */
export async function catchMutant(tree: Tree, mutant: Mutant, catcher: Catcher = mutant.catcher): Promise<Catch> {
  tree.plant(mutant);
  const { code, output, cpuMs } = await runCatcher(catcher, tree.folder);
  const verdict = verdictOf(catcher, output);
  // A search or a test that fails says why; any other end (a syntax error, nothing matched) is no catch.
  return { mutant: mutant.name, caught: code !== 0 && verdict !== null, what: verdict ?? lastLines(output), cpuMs };
}

/** Catches many, `workers` of them at a time, each in a tree of its own. `caught` hears of each as it is done. */
export async function catchAll(
  mutants: readonly Mutant[],
  workers: number,
  caught: (one: Catch) => void = () => {},
): Promise<Catch[]> {
  const catches = new Map<string, Catch>();
  const left = [...mutants];
  const work = async (): Promise<void> => {
    const tree = makeTree();
    try {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const one = await catchMutant(tree, mutant);
        catches.set(mutant.name, one);
        caught(one);
      }
    } finally {
      tree.remove();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return mutants.flatMap(({ name }) => catches.get(name) ?? []);
}

/** Runs a catcher in a tree: exit code, what it printed, and the processor time it took. */
export function runCatcher(catcher: Catcher, folder: string): Promise<Ran> {
  return runInTree(argumentsOf(catcher), folder, CATCH_MS_MAX);
}

/** What a program in a tree did. */
export interface Ran {
  readonly code: number;
  readonly output: string;
  /** Processor time, in milliseconds. */
  readonly cpuMs: number;
}

/** Runs a TypeScript program in a tree to its end; one that takes longer is ended, with code 137. */
export function runInTree(program: readonly string[], folder: string, msMax: number): Promise<Ran> {
  const args = ['--import', 'tsx', '--import', join(folder, 'museum', 'cpu-time.mjs'), ...program];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const texts = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts[0] += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts[0] += text));
    child.stdio[3]?.on('data', (text: Buffer) => (texts[1] += text.toString()));
    const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, output: texts[0] as string, cpuMs: Number(texts[1]) || msMax });
    });
  });
}

function argumentsOf(catcher: Catcher): string[] {
  switch (catcher.by) {
    case 'search':
      return ['test/exhaust/main.ts', '--space', catcher.space, '--states', '60000'];
    case 'seed':
      return ['sim-cli/main.ts', '--seed', String(catcher.seed), '--no-shrink'];
    case 'test': {
      const mocha = join(ROOT, 'node_modules', 'mocha', 'lib', 'cli', 'cli.js');
      const options = ['--bail', '--exit', '--timeout', '20000', '--reporter', 'json', catcher.file];
      return [mocha, ...options, ...(catcher.grep === '' ? [] : ['--grep', catcher.grep])];
    }
  }
}

function verdictOf(catcher: Catcher, output: string): string | null {
  switch (catcher.by) {
    case 'search': {
      const law = /^broken: (.*)$/m.exec(output)?.[1];
      const moves = [...output.matchAll(/^\d+\. /gm)].length;
      return law === undefined ? null : `${law}, ${moves} moves deep`;
    }
    case 'seed': {
      const law = /^ {2}law: {3}(.*)$/m.exec(output)?.[1];
      // What a core threw goes over several lines; how many events it took stands behind the last of them.
      const [, what, event] = /^ {2}what: {2}([^\n]*?)(?:\n[^]*?)?\(event (\d+)\)$/m.exec(output) ?? [];
      return law === undefined || what === undefined ? null : `${law}: ${what.trim()}, ${event ?? '?'} events`;
    }
    case 'test':
      try {
        const report = JSON.parse(output.slice(output.indexOf('{\n'))) as { failures: { fullTitle: string }[] };
        return report.failures[0]?.fullTitle ?? null;
      } catch {
        return null; // it printed no report: it did not get that far
      }
  }
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-6).join('\n');
}
