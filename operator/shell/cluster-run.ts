/**
 * A testbed in the foreground: start, serve, keep running, stop.
 *
 * Lives here: the programs of one cluster under `ssmmp up`, and when a user is served. Does not live here: options and messages of
 * the command (commands/up.ts), what others are told of the cluster (cluster-notice.ts), the order of stopping (cluster-stop.ts).
 *
 * The supervisor, which starts the Manager, and the first agent start at the same time; the agent tries until the Manager
 * listens. The other agents follow when the first has registered: so the gateway is always at the first node, where everybody
 * looks for it, and a user is served sooner, because the processors have less to do at a time. Nothing polls once users are
 * served: deaths come as events of the child processes, changes of gateways over the Manager's event stream.
 *
 * Take-over: what an `ssmmp up` that was killed has left goes on under this one. What runs is adopted, what does not is
 * started, and nothing that goes wrong ends a cluster that serves.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterPlan, PlannedProgram } from '../core/cluster-plan.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { GatewayRow, NodeRow } from '../core/rows.ts';
import { ClusterNotice } from './cluster-notice.ts';
import type { ClusterFacts } from './cluster-notice.ts';
import { OperatorClient } from './operator-client.ts';
import type { Settings } from './settings.ts';
import { Supervised } from './supervised.ts';
import type { FoundProcess } from './testbed-processes.ts';

/** A user must be served this long after the start. */
const SERVED_MS_MAX = 30_000;
/** Nodes beyond the first may take this much longer before they are listed. */
const ALL_NODES_MS_MAX = 2000;
/** They start at the latest after this, whatever became of the first. */
const FIRST_NODE_MS_MAX = 2000;
/** Questions to the Manager while it starts come this far apart. */
const START_POLL_MS = 20;
/** Of a program that ended while starting. */
const LOG_LINES_SHOWN = 5;

export interface ServedState {
  readonly nodes: readonly NodeRow[];
  readonly gateways: readonly GatewayRow[];
}

export interface ClusterChoice extends ClusterFacts {
  /** What an earlier `ssmmp up` with the same options left running; null for a cluster that starts. */
  readonly found: readonly FoundProcess[] | null;
}

export class ClusterRun {
  /** What others are told of it. */
  readonly notice: ClusterNotice;
  readonly #plan: ClusterPlan;
  readonly #found: readonly FoundProcess[] | null;
  readonly #settings: Settings;
  readonly #client: OperatorClient;
  readonly #tell: (line: string) => void;
  readonly #programs: Supervised[] = [];
  #isStarting: boolean;
  #failure: OperatorError | null = null;
  #isStopping = false;

  constructor(choice: ClusterChoice, tell: (line: string) => void) {
    const { plan, settings, found } = choice;
    this.#plan = plan;
    this.#found = found;
    // Only what has never served fails for a reason that a restart does not cure.
    this.#isStarting = found === null;
    this.#settings = settings;
    this.#tell = tell;
    this.#client = new OperatorClient(settings);
    this.notice = new ClusterNotice(choice, this.#client, tell);
  }

  /** Starts everything and resolves when a user is served. Throws OperatorError; what was started must still be stopped. */
  async start(env: NodeJS.ProcessEnv): Promise<ServedState> {
    this.notice.write([], []);
    if (this.#isStopping) throw stoppedEarly();
    const [first, ...others] = this.#plan.agents;
    this.#startProgram(this.#plan.supervisor, env);
    if (first !== undefined) this.#startProgram(first, env);
    await this.#untilServed(() => {
      for (const agent of others) this.#startProgram(agent, env);
    });
    const nodes = await this.#untilAllNodes();
    const gateways = await this.#client.list('gateways');
    this.#isStarting = false;
    this.notice.write(nodes, gateways);
    this.notice.watch();
    return { nodes, gateways };
  }

  /** Supervisor and agents that run now; the Manager is in its supervisor's record. */
  processes(): FoundProcess[] {
    return this.#programs.flatMap(({ identity, program }): FoundProcess[] => {
      const role = program === this.#plan.supervisor ? 'supervisor' : 'agent';
      return identity === null ? [] : [{ ...identity, role, name: program.name, node: null, instanceId: null }];
    });
  }

  /** The program of that name (`supervisor`, `agent 2`); null where none was planned. */
  program(name: string): Supervised | null {
    return this.#programs.find(({ program }) => program.name === name) ?? null;
  }

  /** From now on deaths are wanted: nothing is started any more. */
  release(): void {
    this.#isStopping = true;
    this.notice.end();
    for (const program of this.#programs) program.release();
  }

  #startProgram(program: PlannedProgram, env: NodeJS.ProcessEnv): void {
    const supervised = new Supervised(program, env, {
      onDeath: (how, waitMs) => this.#onDeath(supervised, how, waitMs),
    });
    this.#programs.push(supervised);
    const running = this.#found?.find(
      ({ role, node }) => role === (program === this.#plan.supervisor ? 'supervisor' : 'agent') && isOf(program, node),
    );
    if (running === undefined) supervised.start();
    else supervised.adopt(running);
  }

  async #untilServed(onFirstNode: () => void): Promise<void> {
    const startedAt = performance.now();
    let deadline = startedAt + SERVED_MS_MAX;
    let hasFirstNode = false;
    for (;;) {
      if (!hasFirstNode) {
        hasFirstNode =
          this.#found !== null ||
          performance.now() - startedAt > FIRST_NODE_MS_MAX ||
          (await this.#registered()).length > 0;
        if (hasFirstNode && !this.#isStopping) onFirstNode();
      }
      const { isReady, reason } = await this.#client.readiness();
      if (this.#failure !== null) throw this.#failure;
      if (this.#isStopping) throw stoppedEarly();
      if (isReady) return;
      if (performance.now() > deadline && this.#found !== null) {
        // What still runs serves those it can; to end it would help nobody.
        this.#tell(`the Manager does not say that all is ready yet: ${reason}`);
        deadline = Infinity;
      } else if (performance.now() > deadline) {
        const message = `no user can be served after ${SERVED_MS_MAX / 1000} s: ${reason}. The logs are in ${this.#settings.stateDir} (manager.log, nodes/*/agent.log)`;
        throw new OperatorError(EXIT.failed, message);
      }
      await sleep(START_POLL_MS);
    }
  }

  async #untilAllNodes(): Promise<readonly NodeRow[]> {
    const deadline = performance.now() + ALL_NODES_MS_MAX;
    for (;;) {
      const nodes = await this.#client.list('nodes');
      if (nodes.filter(isRegistered).length >= this.#plan.nodes.length || performance.now() > deadline) return nodes;
      await sleep(START_POLL_MS);
    }
  }

  /** The nodes that are registered; none while the Manager does not answer yet. */
  async #registered(): Promise<readonly NodeRow[]> {
    try {
      return (await this.#client.list('nodes')).filter(isRegistered);
    } catch (error) {
      if (error instanceof OperatorError) return [];
      throw error;
    }
  }

  #onDeath(supervised: Supervised, how: string, waitMs: number): void {
    const { name, logFile } = supervised.program;
    if (this.#isStarting) {
      // a program that dies before anybody is served has a reason that a restart does not cure
      const last = lastWords(logFile);
      const message = `${name} ended while starting (${how})${last === '' ? `; its log is ${logFile}` : `:\n${last}`}`;
      this.#failure ??= new OperatorError(EXIT.failed, message);
      supervised.release();
      return;
    }
    this.#tell(`${name} died (${how}); starting it again ${waitMs === 0 ? 'now' : `in ${waitMs / 1000} s`}`);
  }
}

function stoppedEarly(): OperatorError {
  return new OperatorError(EXIT.failed, 'stopped while starting');
}

/** Is it the program of that node? The supervisor has none. */
function isOf(program: PlannedProgram, node: string | null): boolean {
  return node === null || program.name === `agent ${node}`;
}

function isRegistered({ status }: NodeRow): boolean {
  return status === 'registered';
}

/** The last lines a program logged, without pino's dress. */
function lastWords(logFile: string): string {
  let text: string;
  try {
    text = readFileSync(logFile, 'utf8');
  } catch {
    return ''; // it died before it had a log
  }
  const lines = text.trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
  return lines.map((line) => `  ${messageOf(line)}`).join('\n');
}

function messageOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } };
    const message = typeof msg === 'string' ? msg : line;
    return typeof err?.message === 'string' && err.message !== message ? `${message} (${err.message})` : message;
  } catch {
    return line; // a stack, or a word of Node itself
  }
}
