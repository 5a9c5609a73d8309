/**
 * Answers for the policies that are files of somebody's own.
 *
 * Lives here: which threads run, how often one that failed is started again, how much time policies may take in all.
 * Does not live here: the thread (ssmmp/shell/policy-worker.ts), what follows from an answer (manager/core/consult.ts).
 *
 * The Manager waits while a policy thinks, so it protects itself twice: a call has POLICY_BUDGET_MS, and all calls of one
 * second together SHARE_MS_MAX; beyond either the built-in policy chooses. A thread that was too slow is ended and started
 * again after a pause that doubles with every such end.
 */
import type { GraphPolicies } from '../../ssmmp/core/graph.ts';
import { POLICY_KINDS, type PolicyFile, type PolicyKind } from '../../ssmmp/core/policy.ts';
import type { Logger } from '../../ssmmp/shell/log.ts';
import { PolicyWorker } from '../../ssmmp/shell/policy-worker.ts';
import type { PolicyAnswer, PolicyQuestion } from '../core/oracle.ts';

/** Time that all policies together may take of each second, in milliseconds. */
export const SHARE_MS_MAX = 250;
/** A policy that was too slow rests at first and at most this long. */
export const PAUSE_FIRST_MS = 1_000;
export const PAUSE_MOST_MS = 30_000;

interface Runner {
  worker: PolicyWorker | null;
  isLoading: boolean;
  restsUntil: number;
  pauseMs: number;
}

export class PolicyRunner {
  private readonly runners = new Map<string, Runner>();
  private readonly log: Logger;
  private second = 0;
  private spentMs = 0;

  constructor(log: Logger) {
    this.log = log;
  }

  /** Loads what a graph names; the sentences of what does not load. Whatever was loaded stays ready to be asked. */
  async load(policies: GraphPolicies): Promise<string[]> {
    const problems: string[] = [];
    for (const kind of POLICY_KINDS) {
      const policy = policies[kind];
      if (typeof policy !== 'object') continue;
      const runner = this.runnerOf(kind, policy);
      if (runner.worker?.alive === true) continue;
      const loaded = await PolicyWorker.load(kind, policy.file, policy.code);
      if (typeof loaded === 'string') problems.push(loaded);
      else runner.worker = loaded;
    }
    return problems;
  }

  /** Ends the threads of policies that the graph does not name. */
  keep(policies: GraphPolicies): void {
    const named = new Set(
      POLICY_KINDS.flatMap((kind) => {
        const policy = policies[kind];
        return typeof policy === 'object' ? [keyOf(kind, policy)] : [];
      }),
    );
    for (const [key, { worker }] of this.runners) {
      if (named.has(key)) continue;
      worker?.end();
      this.runners.delete(key);
    }
  }

  stop(): void {
    for (const { worker } of this.runners.values()) worker?.end();
    this.runners.clear();
  }

  /** The oracle of the core. */
  readonly ask = ({ kind, file, code, view }: PolicyQuestion): PolicyAnswer => {
    const runner = this.runnerOf(kind, { file, code });
    const from = performance.now();
    if (runner.worker?.alive !== true) {
      this.reload(kind, { file, code }, runner, from);
      return { problem: runner.restsUntil > from ? 'it was too slow and rests' : 'it is being loaded' };
    }
    const second = Math.floor(from / 1000);
    if (second !== this.second) [this.second, this.spentMs] = [second, 0];
    if (this.spentMs > SHARE_MS_MAX)
      return { problem: `policies took more than ${SHARE_MS_MAX} ms of this second, so it was not asked` };
    const { said, ...answer } = runner.worker.ask(kind, view);
    this.spentMs += performance.now() - from;
    for (const line of said) this.log.info({ policy: kind, file }, `policy ${kind} says: ${line}`);
    if (runner.worker.alive) runner.pauseMs = PAUSE_FIRST_MS;
    else {
      runner.restsUntil = from + runner.pauseMs;
      runner.pauseMs = Math.min(2 * runner.pauseMs, PAUSE_MOST_MS);
    }
    return answer as PolicyAnswer;
  };

  private runnerOf(kind: PolicyKind, policy: PolicyFile): Runner {
    const key = keyOf(kind, policy);
    let runner = this.runners.get(key);
    if (runner === undefined)
      this.runners.set(key, (runner = { worker: null, isLoading: false, restsUntil: 0, pauseMs: PAUSE_FIRST_MS }));
    return runner;
  }

  private reload(kind: PolicyKind, { file, code }: PolicyFile, runner: Runner, now: number): void {
    if (runner.isLoading || runner.restsUntil > now) return;
    runner.isLoading = true;
    void PolicyWorker.load(kind, file, code).then((loaded) => {
      runner.isLoading = false;
      if (typeof loaded !== 'string') {
        runner.worker = loaded;
        return;
      }
      this.log.warn({ policy: kind, file }, loaded);
      runner.restsUntil = performance.now() + runner.pauseMs;
      runner.pauseMs = Math.min(2 * runner.pauseMs, PAUSE_MOST_MS);
    });
  }
}

function keyOf(kind: PolicyKind, { file, code }: PolicyFile): string {
  return `${kind}\n${file}\n${code}`;
}
