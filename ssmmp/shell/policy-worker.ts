/**
 * Running a policy of one's own, in a thread of its own.
 *
 * Lives here: the thread, and asking it with a limit of time. Does not live here: compiling (policy-file.ts), what follows
 * from an answer (the Manager).
 *
 * The Manager needs the choice within its step, so it waits for it; what it waits for may be an endless loop. Hence a
 * thread: it can be ended from outside, has a heap of its own, and a question costs about 25 µs (a `vm` with a timeout on
 * the same thread costs 170 µs and shares the heap). In it the code runs in a bare context: no `require`, no `process`, no
 * timers; `console.log` is passed on. One question is under way at a time.
 */
import { SourceMap, type SourceMapping } from 'node:module';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { Json, PolicyKind } from '../core/policy.ts';
import { POLICY_ANSWER_MAX } from '../core/policy.ts';

/** A policy that takes longer for one answer is ended, in milliseconds. */
export const POLICY_BUDGET_MS = 20;
/** The thread has this long to begin (a busy machine), before the budget counts; and this long to load the code. */
export const POLICY_WAKE_MS = 50;
export const POLICY_LOAD_MS = 2_000;
/** Its heap, in MiB. */
export const POLICY_HEAP_MB = 64;
/** Lines and characters of `console.log` that one answer may bring. */
const SAID_LINES_MAX = 20;
const SAID_CHARACTERS_MAX = 500;

/** What one call yielded; `said` are the lines of console.log. */
export type PolicyCall = ({ readonly choice: Json } | { readonly problem: string }) & {
  readonly said: readonly string[];
};

/** Places in the shared array: questions asked, begun, answered. */
const ASKED = 0;
const BEGUN = 1;
const ANSWERED = 2;

/** One loaded piece of code. Once a call was too slow it is dead; load it again. */
export class PolicyWorker {
  /** False once the thread has ended. */
  alive = true;
  private readonly file: string;
  private readonly map: SourceMap | null;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly shared: Int32Array;
  private asked = 0;

  private constructor(file: string, code: string) {
    this.file = file;
    this.map = sourceMapOf(code);
    this.shared = new Int32Array(new SharedArrayBuffer(12));
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.port.unref();
    const limits = { SAID_LINES_MAX, SAID_CHARACTERS_MAX, POLICY_ANSWER_MAX };
    this.worker = new Worker(THREAD, {
      eval: true,
      workerData: { port: port2, shared: this.shared, code, file, limits },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: POLICY_HEAP_MB, maxYoungGenerationSizeMb: 8 },
      env: {},
      stdout: true,
      stderr: true,
    });
    this.worker.unref();
    const ended = (): void => {
      this.alive = false;
    };
    this.worker.on('error', ended);
    this.worker.on('exit', ended);
  }

  /** Starts a thread with the code; a sentence when it does not load or has no function of this kind. */
  static async load(kind: PolicyKind, file: string, code: string): Promise<PolicyWorker | string> {
    const made = new PolicyWorker(file, code);
    const loaded = await made.loaded();
    const problem = 'problem' in loaded ? loaded.problem : made.check(kind, loaded.kinds);
    if (problem === null) return made;
    made.end();
    return problem;
  }

  /** Asks and waits. Never throws; a call that is too slow ends the thread. */
  ask(kind: PolicyKind, view: unknown): PolicyCall {
    if (!this.alive) return { problem: 'its thread has ended', said: [] };
    this.asked += 1;
    this.port.postMessage(JSON.stringify({ kind, view }));
    Atomics.store(this.shared, ASKED, this.asked);
    Atomics.notify(this.shared, ASKED);
    if (!this.reached(BEGUN, POLICY_WAKE_MS) || !this.reached(ANSWERED, POLICY_BUDGET_MS)) {
      this.end();
      return { problem: `it took longer than ${POLICY_BUDGET_MS} ms`, said: [] };
    }
    const received = receiveMessageOnPort(this.port) as { message: ThreadAnswer } | undefined;
    if (received === undefined) return { problem: 'its thread gave no answer', said: [] };
    const { message } = received;
    const said = message.said;
    if (message.problem !== null) return { problem: this.placed(message.problem, message.stack), said };
    return { choice: JSON.parse(message.choice) as Json, said };
  }

  end(): void {
    this.alive = false;
    this.port.close();
    void this.worker.terminate();
  }

  private reached(place: number, withinMs: number): boolean {
    const until = performance.now() + withinMs;
    for (let seen = Atomics.load(this.shared, place); seen !== this.asked; seen = Atomics.load(this.shared, place)) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return false;
      Atomics.wait(this.shared, place, seen, leftMs);
    }
    return true;
  }

  private async loaded(): Promise<{ kinds: readonly string[] } | { problem: string }> {
    let timer: NodeJS.Timeout | undefined;
    const tooSlow = new Promise<{ problem: string }>((resolve) => {
      timer = setTimeout(
        () => resolve({ problem: `${this.file}: it did not load within ${POLICY_LOAD_MS} ms` }),
        POLICY_LOAD_MS,
      );
    });
    const said = new Promise<{ kinds: readonly string[] } | { problem: string }>((resolve) => {
      this.worker.once('message', (message: { kinds: readonly string[] } | { problem: string; stack: string }) => {
        if ('kinds' in message) resolve(message);
        else resolve({ problem: this.placed(message.problem, message.stack, true) });
      });
      this.worker.once('error', (error) => resolve({ problem: `${this.file}: ${error.message}` }));
    });
    return await Promise.race([said, tooSlow]).finally(() => clearTimeout(timer));
  }

  private check(kind: PolicyKind, kinds: readonly string[]): string | null {
    if (kinds.includes(kind) || kinds.includes('default')) return null;
    const has = kinds.length === 0 ? 'no function' : `the functions ${kinds.join(', ')}`;
    return `${this.file}:1:1 exports ${has}; expected a function '${kind}' (docs/policies.md)`;
  }

  /** A sentence with the line of the file that its author wrote. `first`: the place stands before it. */
  private placed(problem: string, stack: string, first = false): string {
    const at = /policy-code:(\d+):(\d+)/.exec(stack);
    const entry = at === null ? {} : this.map?.findEntry(Number(at[1]) - 1, Number(at[2]) - 1);
    const { originalLine: line, originalColumn: column } = (entry ?? {}) as Partial<SourceMapping>;
    if (line === undefined || column === undefined) return first ? `${this.file}: ${problem}` : problem;
    const place = `${this.file}:${line + 1}:${column + 1}`;
    return first ? `${place} ${problem}` : `${problem} (${place})`;
  }
}

interface ThreadAnswer {
  readonly choice: string;
  readonly problem: string | null;
  readonly stack: string;
  readonly said: readonly string[];
}

function sourceMapOf(code: string): SourceMap | null {
  const found = /\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/.exec(code);
  if (found === null) return null;
  return new SourceMap(JSON.parse(Buffer.from(found[1] as string, 'base64').toString('utf8')) as never);
}

/** The thread's own program. It is text because it must run as it is, in a bundle and outside of one. */
const THREAD = `'use strict';
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');
const vm = require('node:vm');
const { port, shared, code, limits } = workerData;
let said = [];
const say = (...parts) => {
  if (said.length < limits.SAID_LINES_MAX)
    said.push(parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ').slice(0, limits.SAID_CHARACTERS_MAX));
};
const module_ = { exports: {} };
const context = vm.createContext({ module: module_, exports: module_.exports, console: { log: say, error: say, warn: say, info: say } });
// Errors of the context are of its own Error.
const stackOf = (error) => (typeof error === 'object' && error !== null && typeof error.stack === 'string' ? error.stack : '');
const named = (error) => (stackOf(error) === '' ? String(error) : error.name + ': ' + error.message);
const textOf = (error) => 'it threw ' + named(error).split('\\n')[0].slice(0, 300);
let call;
try {
  new vm.Script(code, { filename: 'policy-code' }).runInContext(context);
  call = vm.runInContext(
    '((kind, text) => { const policy = module.exports[kind] ?? module.exports.default; const choice = policy(JSON.parse(text).view); if (typeof choice?.then === "function") throw new TypeError("it returned a promise; a policy answers at once"); return JSON.stringify(choice); })',
    context,
  );
  const names = Object.keys(module_.exports).filter((name) => typeof module_.exports[name] === 'function');
  parentPort.postMessage({ kinds: names });
} catch (error) {
  parentPort.postMessage({ problem: textOf(error), stack: stackOf(error) });
}
for (let seen = 0; call !== undefined; ) {
  Atomics.wait(shared, 0, seen);
  const asked = Atomics.load(shared, 0);
  if (asked === seen) continue;
  seen = asked;
  Atomics.store(shared, 1, asked);
  Atomics.notify(shared, 1);
  said = [];
  let answer;
  try {
    const text = receiveMessageOnPort(port).message;
    const choice = call(JSON.parse(text).kind, text);
    if (choice === undefined) answer = { choice: 'null', problem: 'it returned nothing', stack: '' };
    else if (choice.length > limits.POLICY_ANSWER_MAX)
      answer = { choice: 'null', problem: 'it returned ' + choice.length + ' characters of JSON; expected at most ' + limits.POLICY_ANSWER_MAX, stack: '' };
    else answer = { choice, problem: null, stack: '' };
  } catch (error) {
    answer = { choice: 'null', problem: textOf(error), stack: stackOf(error) };
  }
  port.postMessage({ ...answer, said });
  Atomics.store(shared, 2, asked);
  Atomics.notify(shared, 2);
}
`;
