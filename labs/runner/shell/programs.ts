/**
 * Running programs for a check, so that none outlives it.
 *
 * Lives here: one run with its deadline, the environment programs get, and a scope that ends what was started in it. Does
 * not live here: clusters (cluster.ts).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Lifeline } from '../../../ssmmp/shell/lifeline.ts';

/** What a program printed, and how it ended. */
export interface Ran {
  /** 128 where a signal ended it. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** It was ended because its time was over. */
  readonly isLate: boolean;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 60_000;
/** More output of one stream is cut off. */
const OUTPUT_CHARACTERS_MAX = 64 * 1024 * 1024;
const OVER = 'the check is over; nothing can be started any more';

/** What was started and is not over; `close` ends it all, in reverse order, and nothing can be started any more. */
export class Scope {
  readonly #ends = new Set<() => Promise<void>>();
  readonly #lifelines: string | undefined;
  #lifeline: Lifeline | null = null;
  #isClosed = false;

  /** `lifelines`: where the folder of its lifeline is made, so that another process can cut it. */
  constructor(lifelines?: string) {
    this.#lifelines = lifelines;
  }

  /** The environment of a program in this scope: clusters that it starts end with the scope, also when it was killed. */
  environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    if (this.#isClosed) throw new Error(OVER);
    this.#lifeline ??= new Lifeline(this.#lifelines);
    return cleanEnvironment({ ...this.#lifeline.environment, ...extra });
  }

  /** Call `end` when the scope closes. Returns how to take that back. Throws where the scope is closed already. */
  add(end: () => Promise<void>): () => void {
    if (this.#isClosed) throw new Error(OVER);
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** A program that runs by `environment`: it ends with the scope, also where this process is killed. Returns how to forget it. */
  hold(child: ChildProcess): () => void {
    const leave = child.pid === undefined ? undefined : this.#lifeline?.enter(child.pid);
    const forget = this.add(() => ended(child, 'SIGKILL'));
    return () => {
      forget();
      leave?.();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ends = [...this.#ends].reverse();
    this.#ends.clear();
    for (const end of ends) await end();
    await this.#lifeline?.cut();
  }
}

/** The environment of our programs: the person's own settings would make runs differ. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(SSMMP|CNAPP)_|^FORCE_COLOR$/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...extra };
}

/** Runs a Node program to its end; rejects only where the scope is closed already. */
export function runNode(script: string, args: readonly string[], scope: Scope, options: RunOptions = {}): Promise<Ran> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: scope.environment(options.env),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const forget = scope.hold(child);
    let [out, err, isLate] = ['', '', false];
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, options.deadlineMs ?? DEADLINE_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < OUTPUT_CHARACTERS_MAX) out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (err.length < OUTPUT_CHARACTERS_MAX) err += text;
    });
    child.stdin.on('error', () => undefined); // it ended without reading: its exit code says the rest
    child.stdin.end(options.input ?? '');
    const done = (code: number): void => {
      clearTimeout(timer);
      forget();
      resolve({ code, out, err, isLate, tookMs: performance.now() - started });
    };
    child.on('error', (error) => {
      err += error.message;
      done(127);
    });
    child.on('close', (code) => done(code ?? 128));
  });
}

/** Ends a child and waits for it; one that takes longer than `patienceMs` is killed. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals, patienceMs = 15_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await over;
  clearTimeout(timer);
}
