/**
 * A real cluster in the hands of a check: processes started by `ssmmp up`, in a subnet and state directory of their own.
 *
 * Lives here: starting, stopping, running the two command lines against it. Does not live here: any expectation, reading
 * what it left (evidence.ts).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadReport } from '../../../load/core/report.ts';
import { readEvidence } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { ended, runNode } from './programs.ts';
import type { Ran, RunOptions, Scope } from './programs.ts';
import type { Places } from './places.ts';
import { takeSubnet } from './subnet.ts';
import { Unmet } from './unmet.ts';
import { until } from './until.ts';

export interface UpOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** A graph file; default: the social network. */
  readonly graph?: string;
  /** A repository file; default: the built-in services. */
  readonly repository?: string;
  /** Multiplies every timer; default 1. */
  readonly timerScale?: number;
  /** More words for `ssmmp up`. */
  readonly args?: readonly string[];
  /** How it is called in the report. */
  readonly title?: string;
}

/** A row of `ssmmp get instances -o json`. */
export interface InstanceRow {
  readonly service_name: string;
  readonly service_instance_id: number;
  readonly service_instance_network_address: string;
  readonly status: string;
  readonly pid: number;
  readonly sockets: readonly { readonly name: string; readonly port: number }[];
}

/** A row of `ssmmp get sessions -o json`, as far as labs use it. */
export interface SessionRow {
  readonly source_service_name: string;
  readonly source_service_instance_id: number;
  readonly source_plug_name: string;
  readonly dest_service_name: string;
  readonly dest_service_instance_id: number;
  readonly dest_socket_name: string;
  readonly status: string;
}

const READY_MS = 30_000;
const PASSWORD = 'correct horse battery';

export class LabCluster {
  readonly subnet: string;
  readonly stateDir: string;
  readonly #front: ChildProcess;
  readonly #places: Places;
  readonly #scope: Scope;
  /** Reports of `load`, for the page. */
  readonly loads: LoadReport[] = [];
  #printed = '';
  #isStopped = false;
  #onStop: ((evidence: Evidence | null) => void) | null = null;

  private constructor(subnet: string, stateDir: string, front: ChildProcess, places: Places, scope: Scope) {
    this.subnet = subnet;
    this.stateDir = stateDir;
    this.#front = front;
    this.#places = places;
    this.#scope = scope;
    for (const stream of [front.stdout, front.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#printed += chunk.toString();
      });
  }

  /** Starts one and waits until a user can be served. `onStop` gets what it left, before it is shut down. */
  static async start(
    options: UpOptions,
    stateDir: string,
    places: Places,
    scope: Scope,
    onStop: (cluster: LabCluster, evidence: Evidence | null) => void,
  ): Promise<LabCluster> {
    const { subnet, release } = await takeSubnet();
    const { nodes = 3, graph, repository, timerScale, args = [] } = options;
    const words = ['up', '--subnet', subnet, '--state-dir', stateDir, '--nodes', String(nodes), ...args];
    if (graph !== undefined) words.push('--graph', graph);
    if (repository !== undefined) words.push('--repository', repository);
    if (timerScale !== undefined) words.push('--timer-scale', String(timerScale));
    mkdirSync(stateDir, { recursive: true });
    const front = spawn(process.execPath, [join(places.dist, 'ssmmp.js'), ...words], {
      cwd: places.root,
      env: scope.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const cluster = new LabCluster(subnet, stateDir, front, places, scope);
    cluster.#onStop = (evidence) => onStop(cluster, evidence);
    scope.add(async () => {
      await cluster.stop();
      release();
    });
    await cluster.#ready(graph !== undefined || repository !== undefined);
    return cluster;
  }

  /** A cluster of the student's own files that does not start is the student's mistake; another is the check's. */
  async #ready(isOfStudent: boolean): Promise<void> {
    const isOver = (): boolean => this.#front.exitCode !== null || this.#front.signalCode !== null;
    await until('the cluster is ready', () => isOver() || this.#printed.includes('ready:'), READY_MS).catch(() => null);
    if (this.#printed.includes('ready:')) return;
    const why = this.#printed.trim() || 'it printed nothing';
    if (isOfStudent) throw new Unmet({ expected: 'a cluster that starts and can serve a user', came: why });
    throw new Error(`ssmmp up did not get ready: ${why}`);
  }

  /** What `ssmmp up` printed so far. */
  get talk(): string {
    return this.#printed;
  }

  get manager(): string {
    return `${this.subnet}.1`;
  }

  /** Address of node n, counted from 1. */
  node(n: number): string {
    return `${this.subnet}.${10 + n}`;
  }

  /** A command of operators; `ssmmp scale post 2` is `ssmmp('scale', 'post', '2')`. */
  ssmmp(...args: string[]): Promise<Ran> {
    return this.#run('ssmmp', [...args, '--subnet', this.subnet, '--state-dir', this.stateDir]);
  }

  /** The same, and it must succeed. */
  async must(...args: string[]): Promise<string> {
    const ran = await this.ssmmp(...args);
    if (ran.code === 0) return ran.out;
    throw new Unmet({
      expected: `\`ssmmp ${args.join(' ')}\` succeeds`,
      came: `exit code ${ran.code}\n${ran.err.trim()}`,
    });
  }

  /** A command of a user who is logged in (`enter`). */
  cnapp(user: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const env = { CNAPP_TOKEN_FILE: join(this.stateDir, `token-${user}`), SSMMP_STATE_DIR: this.stateDir };
    return this.#run('cnapp', args, { ...options, env });
  }

  /** Registers a user and logs in. */
  async enter(user: string): Promise<void> {
    for (const verb of ['register', 'login']) {
      const { code, err } = await this.cnapp(user, [verb, user, '--password-stdin'], { input: `${PASSWORD}\n` });
      if (code !== 0) throw new Error(`cnapp ${verb} ${user} ended with ${code}: ${err}`);
    }
  }

  async instances(service?: string): Promise<InstanceRow[]> {
    const rows = JSON.parse(await this.must('get', 'instances', '-o', 'json')) as InstanceRow[];
    return service === undefined ? rows : rows.filter(({ service_name: name }) => name === service);
  }

  async sessions(): Promise<SessionRow[]> {
    return JSON.parse(await this.must('get', 'sessions', '-o', 'json')) as SessionRow[];
  }

  /** Waits until exactly `count` instances of a service are on. */
  running(service: string, count: number, deadlineMs = 20_000): Promise<InstanceRow[]> {
    return until(
      `${count} of ${service} on`,
      async () => {
        const rows = (await this.instances(service)).filter(({ status }) => status === 'on');
        return rows.length === count ? rows : null;
      },
      deadlineMs,
    );
  }

  /** `ssmmp load` with these words, such as `'--users', '8', '--seconds', '3'`. A violation of the history is in the report. */
  async load(...args: string[]): Promise<LoadReport> {
    const ran = await this.#run(
      'ssmmp',
      ['load', ...args, '-o', 'json', '--subnet', this.subnet, '--state-dir', this.stateDir],
      { deadlineMs: 600_000 },
    );
    if (!ran.out.trimStart().startsWith('{')) throw new Error(`ssmmp load ended with ${ran.code}: ${ran.err}`);
    const report = JSON.parse(ran.out) as LoadReport;
    this.loads.push(report);
    return report;
  }

  /** What there is to see of it so far. */
  async evidence(): Promise<Evidence> {
    const evidence = await readEvidence(this.stateDir);
    if (evidence === null) throw new Error(`${this.stateDir} holds no journal`);
    return evidence;
  }

  /**
   * Waits until what it left has something to say: agents write their traces a moment after the messages. Throws Unmet with
   * `what` after `deadlineMs`.
   */
  evidenceOf<T>(
    what: string,
    find: (evidence: Evidence) => T | null | false | undefined,
    deadlineMs = 10_000,
  ): Promise<T> {
    return until(what, async () => find(await this.evidence()), deadlineMs);
  }

  /** Stops it; doing so twice does nothing. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#onStop?.(await readEvidence(this.stateDir));
    await ended(this.#front, 'SIGTERM');
    // one that was killed for being late has left its agents and instances
    if (this.#front.signalCode === 'SIGKILL') await this.ssmmp('down');
  }

  #run(program: 'ssmmp' | 'cnapp', args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return runNode(join(this.#places.dist, `${program}.js`), args, this.#scope, options);
  }
}
