/**
 * A real cluster in a test's hands: processes started by `ssmmp up`, in a state directory and subnet of their own.
 *
 * Lives here: starting, stopping, running the two command lines against it, and waiting for a condition with a
 * deadline. Does not live here: any expectation. Everything started here is ended here, by id.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replayProblem } from './replay.ts';
import { forget, watch } from './told-on-failure.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** Lines of events and of the front that a failed test shows. */
const LINES_TOLD_MAX = 60;

/** What a command line printed, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one of our programs to its end; never rejects. */
export function run(
  program: 'ssmmp' | 'cnapp',
  args: string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(DIST, `${program}.js`), ...args],
      {
        env: { ...process.env, NO_COLOR: '1', ...options.env },
        cwd: options.cwd ?? ROOT,
        timeout: 60_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ code, out, err });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** Waits until `condition` gives something other than null, false or undefined; fails after `deadlineMs` with `what`. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  deadlineMs = 10_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== false && value !== undefined) return value;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface InstanceRow {
  readonly service_name: string;
  readonly service_instance_id: number;
  readonly service_instance_network_address: string;
  readonly status: string;
  readonly pid: number;
  readonly sockets: { name: string; port: number }[];
}

/** One cluster. */
export class Cluster {
  readonly subnet: string;
  readonly stateDir: string;
  private readonly front: ChildProcess;
  private printed = '';
  /** Exit code of the front, once it has ended. */
  ended: Promise<number>;

  private constructor(subnet: string, stateDir: string, front: ChildProcess) {
    this.subnet = subnet;
    this.stateDir = stateDir;
    this.front = front;
    const keep = (chunk: Buffer): void => {
      this.printed += chunk.toString();
    };
    front.stdout?.on('data', keep);
    front.stderr?.on('data', keep);
    this.ended = new Promise((resolve) =>
      front.on('exit', (code, signal) => resolve(code ?? (signal === null ? 255 : 128))),
    );
  }

  /** Starts a cluster and waits until a user can be served. */
  static async start(
    subnet: string,
    args: string[] = [],
    stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-e2e-')),
  ): Promise<Cluster> {
    const front = spawn(
      process.execPath,
      [join(DIST, 'ssmmp.js'), 'up', '--subnet', subnet, '--state-dir', stateDir, ...args],
      { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } },
    );
    const cluster = new Cluster(subnet, stateDir, front);
    watch(cluster);
    // One that a test has ended well has nothing to tell of another test's failure.
    void cluster.ended.then((ended) => ended === 0 && forget(cluster));
    let code: number | null = null;
    void cluster.ended.then((value) => (code = value));
    await until(
      'the cluster is ready',
      () => {
        if (code !== null) throw new Error(`ssmmp up ended with ${code}: ${cluster.printed}`);
        return cluster.printed.includes('ready:');
      },
      20_000,
    ).catch((error: unknown) => {
      front.kill('SIGTERM');
      throw new Error(`${(error as Error).message}\n${cluster.printed}`);
    });
    return cluster;
  }

  get pid(): number {
    return this.front.pid ?? 0;
  }

  get talk(): string {
    return this.printed;
  }

  /** What the addresses begin with: `127.0.7.`, or `fd55::` in network namespaces. */
  private get net(): string {
    return this.subnet.endsWith('::') ? this.subnet : `${this.subnet}.`;
  }

  /** Address of node n. */
  node(n: number): string {
    return `${this.net}${10 + n}`;
  }

  get manager(): string {
    return `${this.net}1`;
  }

  ssmmp(...args: string[]): Promise<Ran> {
    return run('ssmmp', [...args, '--subnet', this.subnet, '--state-dir', this.stateDir]);
  }

  /** `cnapp` as a user with a token file of its own. */
  cnapp(user: string, args: string[], input?: string): Promise<Ran> {
    const env = { CNAPP_TOKEN_FILE: join(this.stateDir, `token-${user}`), SSMMP_STATE_DIR: this.stateDir };
    return run('cnapp', args, { env, ...(input === undefined ? {} : { input }) });
  }

  async instances(service?: string): Promise<InstanceRow[]> {
    const { out } = await this.ssmmp('get', 'instances', '-o', 'json');
    const rows = JSON.parse(out === '' ? '[]' : out) as InstanceRow[];
    return service === undefined ? rows : rows.filter(({ service_name }) => service_name === service);
  }

  /** The one instance of a service that is on. */
  one(service: string): Promise<InstanceRow> {
    return until(`one ${service} is on`, async () =>
      (await this.instances(service)).find(({ status }) => status === 'on'),
    );
  }

  /** Its last events and what its front printed last, for a test that failed. */
  async tell(): Promise<string> {
    const last = (text: string): string => text.trim().split('\n').slice(-LINES_TOLD_MAX).join('\n');
    const { out, err } = await this.ssmmp('events');
    return `what ${this.subnet} saw, in ${this.stateDir}:\n${last(out + err)}\nits front:\n${last(this.printed)}\n`;
  }

  signal(signal: NodeJS.Signals): void {
    this.front.kill(signal);
  }

  /** Stops the cluster and removes its state; fails when something of it is left, or when its journal does not replay. */
  async stop(): Promise<void> {
    this.front.kill('SIGTERM');
    await this.ended;
    forget(this);
    const left = processesNaming(this.net);
    const different = replayProblem(this.stateDir);
    if (different !== null) throw new Error(`the journal in ${this.stateDir} does not replay: ${different}`);
    rmSync(this.stateDir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes of ${this.subnet} are left: ${left.join('; ')}`);
  }
}

/** Command lines of running processes that hold `text`, ours only; Linux. */
export function processesNaming(text: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(text) && /(dist|services)\//.test(line) ? [`${name}: ${line}`] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}
