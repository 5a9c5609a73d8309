/**
 * The processes of instances: starting, signalling, noticing their end.
 *
 * Lives here: child processes and adopted ones. Does not live here: any decision about them.
 *
 * A child is the leader of a process group of its own: a Ctrl-C at the terminal does not reach it, and one
 * signal ends it with everything it started.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import type { RepositoryService } from '../../ssmmp/core/repository-file.ts';
import { isRunning, startTimeOf } from '../../ssmmp/shell/process-identity.ts';
import type { AgentEffect } from '../core/effects.ts';
import { rawName, type Output } from './output.ts';
import { commandOf, type Repository } from './repository.ts';
import type { Spares } from './spares.ts';

type Effect<Kind extends AgentEffect['kind']> = Extract<AgentEffect, { kind: Kind }>;

/** What the machine is told about a process; each becomes an input. */
export interface ProcessInputs {
  started(of: OfRun, pid: number, startTime: string | null): void;
  failed(of: OfRun, why: string): void;
  ended(of: OfRun, code: number | null, signal: string | null): void;
  checked(of: OfRun, alive: boolean): void;
}

export interface OfRun {
  readonly instance: number;
  readonly run: number;
}

interface Adopted extends OfRun {
  readonly service: string;
  readonly pid: number;
  readonly startTime: string | null;
}

export class Spawner {
  readonly #services: ReadonlyMap<string, RepositoryService>;
  readonly #folder: string;
  readonly #spares: Spares;
  readonly #output: Output;
  readonly #inputs: ProcessInputs;
  readonly #adoptedCheckMs: number;
  readonly #adopted = new Set<Adopted>();
  /** Process groups that this agent leads. */
  readonly #groups = new Set<number>();
  #looking: NodeJS.Timeout | null = null;

  constructor(repository: Repository, spares: Spares, output: Output, adoptedCheckMs: number, inputs: ProcessInputs) {
    this.#services = new Map(repository.services.map((service) => [service.name, service]));
    this.#folder = repository.folder;
    this.#spares = spares;
    this.#output = output;
    this.#adoptedCheckMs = adoptedCheckMs;
    this.#inputs = inputs;
  }

  spawn({ instance, run, service, args, env }: Effect<'spawn'>): void {
    const of = { instance, run };
    const entry = this.#services.get(service);
    if (entry === undefined) return this.#inputs.failed(of, `the repository has no ${service}`);
    const name = rawName(service, instance);
    let child: ChildProcess;
    try {
      const dataDir = env['SSMMP_DATA_DIR'];
      if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
      child = this.#spares.take(service, args, env, name) ?? this.#start(entry, args, env, name);
    } catch (error) {
      return this.#inputs.failed(of, (error as Error).message);
    }
    this.#spares.later();
    const { pid } = child;
    if (pid === undefined) {
      // The reason comes as an event, a moment later.
      child.once('error', (error) => {
        this.#output.discard(name);
        this.#inputs.failed(of, error.message);
      });
      return;
    }
    this.#groups.add(pid);
    child.once('error', () => undefined);
    child.once('exit', (code, signal) => {
      this.#endGroup(pid);
      this.#output.finish(service, instance);
      this.#inputs.ended(of, code, signal);
    });
    this.#inputs.started(of, pid, startTimeOf(pid));
    this.#output.follow(service, instance);
  }

  /** Is a process of an earlier life of this agent still there? Then it is watched. */
  check({ instance, run, service, pid, startTime }: Effect<'check_process'>): void {
    const adopted: Adopted = { instance, run, service, pid, startTime };
    const alive = isRunning({ pid, startTime });
    if (alive) {
      this.#adopted.add(adopted);
      this.#groups.add(pid);
      this.#looking ??= setInterval(() => this.#look(), this.#adoptedCheckMs);
      this.#output.follow(service, instance);
    }
    this.#inputs.checked(adopted, alive);
  }

  kill({ pid, signal }: Effect<'kill'>): void {
    if (this.#groups.has(pid)) signalGroup(pid, signal);
  }

  /** SIGKILL for everything that is left. */
  killAll(): void {
    for (const pid of this.#groups) signalGroup(pid, 'SIGKILL');
  }

  /** Looks no more. */
  stop(): void {
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  #start(
    service: RepositoryService,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    name: string,
  ): ChildProcess {
    const [program, ...first] = commandOf(service);
    const file = this.#output.open(name);
    try {
      return spawn(program, [...first, ...args], {
        cwd: this.#folder,
        env: { ...env },
        detached: true,
        stdio: ['ignore', file, file],
      });
    } finally {
      closeSync(file);
    }
  }

  /** Adopted processes are nobody's children here: their end can only be looked for. */
  #look(): void {
    for (const adopted of this.#adopted) {
      if (isRunning(adopted)) continue;
      this.#adopted.delete(adopted);
      this.#endGroup(adopted.pid);
      this.#output.finish(adopted.service, adopted.instance);
      this.#inputs.ended(adopted, null, null);
    }
    if (this.#adopted.size > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }

  /** The leader is gone; what it started may hold its ports and goes with it. */
  #endGroup(pid: number): void {
    signalGroup(pid, 'SIGKILL');
    this.#groups.delete(pid);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody is left in that group; EPERM (macOS): only zombies are.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
