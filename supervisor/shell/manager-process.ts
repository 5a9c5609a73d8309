/**
 * The process of the Manager, as its supervisor holds it.
 *
 * Lives here: starting it, finding the one that runs already, signalling it, and telling its end. Does not live here: when
 * (supervisor/core).
 *
 * A Manager is in a process group of its own and writes into a file, not into a pipe: it must outlive its supervisor. Who
 * it is stands in `supervisor.json` before it has done anything, so that a next supervisor finds a Manager that has no lock
 * and no pid file yet. One that was not started by us is no child: that it still runs is looked at, and the connection
 * on which it is asked breaks the moment it dies (pulse.ts), which brings the look forward.
 */
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lockFile } from '../../ssmmp/shell/process-lock.ts';
import { isRunning, readPidFile, startTimeOf, writePidFile } from '../../ssmmp/shell/process-identity.ts';
import type { ManagerProcess } from '../core/inputs.ts';
import type { SupervisorOptions } from './options.ts';

/** What the supervisor writes down about the Manager it has started: a pid file in all but name. */
export const RECORD_FILE = 'supervisor.json';
/** A Manager that is no child of ours is looked at this often, in milliseconds. */
const LOOK_MS = 200;
/** Of its log so much is looked at for the reason why it refused to start. */
const WORDS_BYTES_MAX = 16 * 1024;
const WORDS_LINES_MAX = 5;

export interface ManagerEvents {
  spawned(run: number, process: ManagerProcess): void;
  failed(run: number, why: string): void;
  ended(run: number, how: string, isRefusal: boolean): void;
}

/** The Manager of this state directory that runs now, whoever started it; null for none. */
export function findManager(stateDir: string): ManagerProcess | null {
  for (const name of [lockFile('manager'), 'manager.pid', RECORD_FILE]) {
    const found = readPidFile(join(stateDir, name));
    if (found !== null && isRunning(found)) return found;
  }
  return null;
}

export class ManagerHandle {
  readonly #options: SupervisorOptions;
  readonly #events: ManagerEvents;
  #run = 0;
  #process: ManagerProcess | null = null;
  #looking: NodeJS.Timeout | null = null;

  constructor(options: SupervisorOptions, events: ManagerEvents) {
    this.#options = options;
    this.#events = events;
  }

  spawn(run: number): void {
    const { managerFile, managerArgs, logFile, stateDir } = this.#options;
    this.#run = run;
    let log = -1;
    try {
      mkdirSync(dirname(logFile), { recursive: true });
      log = openSync(logFile, 'a');
      const from = fstatSync(log).size;
      const child = spawn(process.execPath, [managerFile, ...managerArgs], {
        detached: true,
        stdio: ['ignore', 'ignore', log],
      });
      child.once('error', (error) => this.#gone(run, () => this.#events.failed(run, error.message)));
      child.once('exit', (code, signal) =>
        this.#gone(run, () => {
          const isRefusal = code !== null && code !== 0;
          const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
          this.#events.ended(run, isRefusal ? how + lastWords(logFile, from) : how, isRefusal);
        }),
      );
      if (child.pid === undefined) return;
      this.#process = { pid: child.pid, startTime: startTimeOf(child.pid) };
      writePidFile(join(stateDir, RECORD_FILE), this.#process);
      this.#events.spawned(run, this.#process);
    } catch (error) {
      // No room for the log or the record, no process to be had: told, and tried again.
      if (this.#process === null) return this.#events.failed(run, (error as Error).message);
      this.signal(run, 'SIGKILL');
    } finally {
      if (log !== -1) closeSync(log);
    }
  }

  /** Watches a Manager that was there before. */
  adopt(run: number, process: ManagerProcess): void {
    this.#run = run;
    this.#process = process;
    this.#looking = setInterval(() => this.look(), LOOK_MS);
  }

  /** Is it still there? A child tells by itself. */
  look(): void {
    if (this.#looking === null || this.#process === null || isRunning(this.#process)) return;
    const run = this.#run;
    this.#gone(run, () => this.#events.ended(run, 'it is gone', false));
  }

  signal(run: number, signal: 'SIGTERM' | 'SIGKILL'): void {
    if (run !== this.#run || this.#process === null || !isRunning(this.#process)) return;
    try {
      process.kill(this.#process.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just gone: its end is told
    }
  }

  #gone(run: number, tell: () => void): void {
    if (run !== this.#run) return;
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#looking = null;
    this.#process = null;
    tell();
  }
}

/** What it logged since then, without the dress of pino: `: <message>`, or nothing. */
function lastWords(logFile: string, from: number): string {
  const fd = openSync(logFile, 'r');
  try {
    const start = Math.max(from, fstatSync(fd).size - WORDS_BYTES_MAX);
    const bytes = Buffer.alloc(WORDS_BYTES_MAX);
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, start)).trimEnd();
    return text === '' ? '' : `: ${text.split('\n').slice(-WORDS_LINES_MAX).map(messageOf).join(' / ')}`;
  } finally {
    closeSync(fd);
  }
}

function messageOf(line: string): string {
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === 'string' ? msg : line;
  } catch {
    return line; // a sentence, or a stack
  }
}
