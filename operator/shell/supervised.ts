/**
 * One program of the testbed, kept running.
 *
 * Lives here: starting it in a process group of its own, its log file, starting it again when it dies, and taking one over
 * that an earlier `ssmmp up` has started. Does not live here: which programs there are (core/cluster-plan.ts), how they stop
 * (cluster-stop.ts).
 *
 * No pipe joins it to us: it must outlive the front.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, startTimeOf } from '../../ssmmp/shell/process-identity.ts';
import type { ProcessIdentity } from '../../ssmmp/shell/process-identity.ts';
import type { PlannedProgram } from '../core/cluster-plan.ts';
import { deathsAfter, restartWaitMs } from '../../ssmmp/core/restart-wait.ts';

export interface SupervisedEvents {
  /** It died by itself. `waitMs` until it is started again. */
  onDeath(how: string, waitMs: number): void;
}

/** A program that is no child of ours is looked at this often, in milliseconds. */
const LOOK_MS = 200;

export class Supervised {
  readonly program: PlannedProgram;
  readonly #events: SupervisedEvents;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #identity: ProcessIdentity | null = null;
  #restart: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  #deathsInRow = 0;
  #isReleased = false;
  /** A fault keeps it down (`ssmmp fault node-off`). */
  #isHeld = false;

  constructor(program: PlannedProgram, env: NodeJS.ProcessEnv, events: SupervisedEvents) {
    this.program = program;
    this.#env = env;
    this.#events = events;
  }

  /** The process that runs now, if any. Known at once, while its pid file takes a moment. */
  get identity(): ProcessIdentity | null {
    return this.#identity;
  }

  /** Starts the program, unless it was released. Throws what `spawn` throws at once, such as a missing folder. */
  start(): void {
    if (this.#isReleased || this.#isHeld) return;
    const { file, args, enter, stateDir, logFile } = this.program;
    mkdirSync(stateDir, { recursive: true });
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    // a group of its own, so that a Ctrl-C at the terminal reaches `ssmmp up` alone, which stops all in order
    const [command = '', ...words] = [...enter, process.execPath, file, ...args];
    const child = spawn(command, words, {
      detached: true,
      stdio: ['ignore', 'ignore', log],
      env: this.#env,
    });
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) this.#identity = { pid: child.pid, startTime: startTimeOf(child.pid) };
    const startedAt = performance.now();
    child.once('error', (error) => this.#onEnd(error.message, startedAt));
    child.once('exit', (code, signal) =>
      this.#onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`, startedAt),
    );
  }

  /** Keeps it down once it has ended, until `letGo`. */
  hold(): void {
    this.#isHeld = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
  }

  /** Starts it again after `hold`; nothing where it runs. */
  letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#identity === null) this.start();
  }

  /** Takes over one that runs already, instead of `start`. When it ends, it is started like any other. */
  adopt(identity: ProcessIdentity): void {
    if (this.#isReleased) return;
    this.#identity = identity;
    const from = performance.now();
    this.#looking = setInterval(() => {
      if (!isRunning(identity)) this.#onEnd('it is gone', from);
    }, LOOK_MS);
  }

  /** From now on its end is wanted: it is not started again. */
  release(): void {
    this.#isReleased = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  #onEnd(how: string, startedAt: number): void {
    if (this.#child === null && this.#looking === null) return;
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#looking = null;
    this.#child = null;
    this.#identity = null;
    if (this.#isReleased || this.#isHeld) return;
    this.#deathsInRow = deathsAfter(this.#deathsInRow, performance.now() - startedAt);
    const waitMs = restartWaitMs(this.#deathsInRow);
    this.#restart = setTimeout(() => this.start(), waitMs);
    this.#events.onDeath(how, waitMs);
  }
}
