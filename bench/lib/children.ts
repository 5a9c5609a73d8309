// Programs that a bench runs: started with a clean environment, waited for, measured, ended.
//
// The environment is clean as an agent's children get it: an inherited NODE_EXTRA_CA_CERTS alone doubles the start of Node.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** What every child gets; the agent gives no more to a service but its own variables. */
export function cleanEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG, ...more };
}

const children = new Set<ChildProcess>();
const logs = mkdtempSync(join(tmpdir(), 'ssmmp-bench-logs-'));
let started = 0;
process.on('exit', () => {
  rmSync(logs, { recursive: true, force: true });
  for (const child of children) child.kill('SIGKILL');
});

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves with the first line on stdout that matches; rejects when the child ends before. */
  line(pattern: RegExp): Promise<string>;
  /** Ends it (SIGTERM, after 5 s SIGKILL) and resolves once it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts Node with these arguments. The end of what it writes is shown when it ends too early. */
export function startNode(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Child {
  // A file and no pipe: a program that logs must not wait until this one, busy with its load, has read.
  const errorFile = join(logs, `${(started += 1)}.log`);
  const errors = openSync(errorFile, 'w');
  // `npm run bench -- --cpu-prof`: where does the time of what is measured go? (Baselines are left alone.)
  const profile = process.argv.includes('--cpu-prof') && !(args[0] ?? '').startsWith('bench/baselines/');
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${join(ROOT, 'bench', 'results', 'profiles')}`] : [];
  const child = spawn(process.execPath, [...flags, ...args], {
    cwd: options.cwd ?? ROOT,
    env: cleanEnvironment(options.env),
    stdio: ['ignore', 'pipe', errors],
  });
  closeSync(errors);
  children.add(child);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => children.delete(child));
  let text = '';
  const looking = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-65_536);
    for (const look of looking) look();
  });
  return {
    pid: child.pid as number,
    process: child,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = text
            .split('\n')
            .slice(0, -1)
            .find((line) => pattern.test(line));
          if (found === undefined) return;
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
        void ended.then(() =>
          reject(
            new Error(
              `${args.join(' ')} ended before it wrote ${String(pattern)}; its last words:\n${text.slice(-500)}\n${readFileSync(errorFile, 'utf8').slice(-4096)}`,
            ),
          ),
        );
      }),
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * CPU time of a process so far, user and system, in milliseconds. From /proc with nanoseconds of all its threads, where there
 * is one; else from `ps`, in hundredths of a second.
 */
export function cpuMs(pid: number): number {
  try {
    const folder = `/proc/${pid}/task`;
    let nanoseconds = 0;
    for (const thread of readdirSync(folder))
      nanoseconds += Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]);
    return nanoseconds / 1e6;
  } catch {
    const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const parts = text.split(/[-:]/).map(Number).reverse();
    return 1000 * ((parts[0] ?? 0) + 60 * (parts[1] ?? 0) + 3600 * (parts[2] ?? 0));
  }
}

/** Proportional set size in MB: memory of its own, and its share of what it has in common with others. Linux only. */
export function pssMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? NaN) / 1024;
}

/** All processes below `pid`, and itself. Linux only. */
export function processTree(pid: number): number[] {
  const kids = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      kids.set(parent, [...(kids.get(parent) ?? []), Number(name)]);
    } catch {
      continue; // ended while we looked
    }
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i += 1) tree.push(...(kids.get(tree[i] as number) ?? []));
  return tree;
}
