/**
 * A fence around a submission's process: time, memory, and no network but loopback.
 *
 * Lives here: running one command inside. Does not live here: what its result means.
 *
 * Theory. Where this is root on Linux, the command gets a network namespace of its own (only loopback is in it, and clusters
 * of two submissions cannot meet) and a process namespace of its own (when its first process ends, everything it started
 * ends with it, however it hid). In its mount namespace the clone and the grades of others are read-only and the file of hidden
 * seeds is empty, and it has lost what root would need to undo that. It is root all the same and sees the rest of the machine:
 * this fence keeps out accidents and quick tricks, a machine of its own keeps out everything. Elsewhere only the time, the
 * memory and the number of its processes are watched, and `says` tells so: then grade in a machine or a container that has no
 * network.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { cleanEnvironment } from './programs.ts';

export interface FenceLimits {
  readonly seconds: number;
  /** Of all its processes together. */
  readonly memoryMb: number;
  /** How many it may have at once. */
  readonly processes: number;
  readonly cwd: string;
  /** What the command reads on stdin. */
  readonly input: string;
  /** Folders that it may only read: the clone, and where the grades go. */
  readonly readOnly: readonly string[];
  /** Folders that it may write all the same. */
  readonly writable: readonly string[];
  /** Files that it finds empty. */
  readonly hidden: readonly string[];
}

export interface Fenced {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The limit that ended it, as a sentence; null where none did. */
  readonly limit: string | null;
}

export interface Fence {
  /** What it does and does not keep in, for people. */
  readonly says: string;
  run(nodeArguments: readonly string[], limits: FenceLimits): Promise<Fenced>;
}

const LOOK_MS = 250;
const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** What root needs to undo mounts, to look into other processes, and to reach the machine below. */
const DROPPED = ['sys_admin', 'sys_ptrace', 'sys_module', 'sys_rawio', 'sys_boot', 'mknod', 'net_admin'];
const BECOME = `exec setpriv --no-new-privs --bounding-set ${DROPPED.map((name) => `-${name}`).join(',')} "$@"`;
/** More of its output is cut off, and then it is no result any more. */
const OUT_CHARACTERS_MAX = 16 * 1024 * 1024;
const PAGE_BYTES = 4096;
const MB = 1024 * 1024;

/** The best fence that this machine offers. */
export function makeFence(): Fence {
  const reason = whyNoNamespaces();
  if (reason === null)
    return {
      says: 'each submission in namespaces of its own: no network beyond loopback, nothing outlives it',
      run: (words, limits) =>
        run('unshare', [...NAMESPACES, '--', 'sh', '-c', scriptOf(limits), 'sh', process.execPath, ...words], limits),
    };
  return {
    says: `no namespaces (${reason}): submissions can reach the network; grade where there is none`,
    run: (words, limits) => run(process.execPath, words, limits),
  };
}

function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  const script = scriptOf({ cwd: '/', readOnly: ['/'], writable: [tmpdir()], hidden: [] });
  const tried = spawnSync('unshare', [...NAMESPACES, '--', 'sh', '-c', script, 'sh', 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return null;
  return (tried.error?.message ?? tried.stderr.trim()) || `unshare ended with ${String(tried.status)}`;
}

/** Makes the namespaces what they should be, then becomes the command. */
function scriptOf({
  cwd,
  readOnly,
  writable,
  hidden,
}: Pick<FenceLimits, 'cwd' | 'readOnly' | 'writable' | 'hidden'>): string {
  const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
  const bound = (path: string, mode: 'ro' | 'rw'): string =>
    `mount --rbind ${quoted(path)} ${quoted(path)} && mount -o remount,bind,${mode} ${quoted(path)}`;
  return [
    'ip link set lo up',
    ...readOnly.map((path) => bound(path, 'ro')),
    ...writable.map((path) => bound(path, 'rw')),
    ...hidden.map((path) => `mount --bind /dev/null ${quoted(path)}`),
    // a working folder that was entered before is still the one below the mounts
    `cd ${quoted(cwd)}`,
    BECOME,
  ].join(' && ');
}

function run(program: string, words: readonly string[], limits: FenceLimits): Promise<Fenced> {
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: limits.cwd,
      env: cleanEnvironment({ NODE_OPTIONS: `--max-old-space-size=${limits.memoryMb}` }),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const pid = child.pid ?? 0;
    let [out, err] = ['', ''];
    let limit: string | null = null;
    child.stdin.on('error', () => undefined); // it ended without reading: its exit code says the rest
    child.stdin.end(limits.input);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < OUT_CHARACTERS_MAX) out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err = (err + text).slice(-64 * 1024)));
    const end = (why: string): void => {
      limit ??= why;
      for (const each of familyOf(pid)) kill(each);
    };
    const clock = setTimeout(() => end(`it took longer than ${limits.seconds} s`), limits.seconds * 1000);
    const scale = setInterval(() => {
      const family = familyOf(pid);
      if (family.length > limits.processes)
        end(`it had ${family.length} processes at once; ${limits.processes} are allowed`);
      const usedMb = family.reduce((sum, each) => sum + residentBytes(each), 0) / MB;
      if (usedMb > limits.memoryMb)
        end(`its processes used ${Math.round(usedMb)} MB together; ${limits.memoryMb} are allowed`);
    }, LOOK_MS);
    const done = (code: number): void => {
      clearTimeout(clock);
      clearInterval(scale);
      resolve({ code, out, err, limit });
    };
    child.on('error', (error) => {
      err += error.message;
      done(127);
    });
    child.on('close', (code) => done(code ?? 128));
  });
}

/**
 * A process and everything below it, the top first. What was left by a parent that ended is found by its process namespace,
 * where it has one of its own. Linux; elsewhere only the process itself.
 */
function familyOf(top: number): number[] {
  if (!existsSync('/proc/self/stat')) return [top];
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)), space: spaceOf(Number(name)) }));
  const family = new Set([top]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parent } of rows) if (family.has(parent)) family.add(pid);
  }
  const ours = spaceOf(process.pid);
  const spaces = new Set(rows.filter(({ pid }) => family.has(pid)).map(({ space }) => space));
  for (const { pid, space } of rows) if (space !== null && space !== ours && spaces.has(space)) family.add(pid);
  return [...family];
}

function parentOf(pid: number): number {
  // the name in brackets may hold anything; what follows the last bracket is numbers
  const stat = readProc(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function residentBytes(pid: number): number {
  return Number(readProc(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES || 0;
}

function spaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null; // it ended while we looked, or is somebody else's
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended before: that is what was wanted
  }
}
