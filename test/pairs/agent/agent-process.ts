// The agent as a process, built as it is shipped, in a folder of its own. What may not be here: any expectation.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { until } from './fake-manager.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROGRAMS = join(import.meta.dirname, 'programs');
const speaker = (more: string): string => `{run: [node, ${join(PROGRAMS, 'speaker.mjs')}]${more}}`;

/** Programs of these tests; `deaf` does not support spares, `missing` cannot be started. */
const REPOSITORY = `
services:
  speaker: ${speaker('')}
  other: ${speaker(', env: {COLOUR: blue}')}
  crasher: ${speaker(", env: {ON_START: 'exit 3'}")}
  ender: ${speaker(', env: {ON_START: terminate}')}
  warm: ${speaker(', plugs: [P], spares: 1')}
  mute: {run: [sh, ${join(PROGRAMS, 'mute.sh')}]}
  listener: {run: [node, ${join(PROGRAMS, 'listener.mjs')}]}
  deaf: {run: [node, ${join(PROGRAMS, 'listener.mjs')}], spares: 1}
  missing: {run: [./no-such-program]}
`;

let built: Promise<string> | null = null;

/** Builds the agent once a test run; where it is. */
export function builtAgent(): Promise<string> {
  built ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-agent-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'agent.cjs');
    await build({
      entryPoints: [join(ROOT, 'agent', 'main.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      logLevel: 'error',
    });
    return outfile;
  })();
  return built;
}

/** A cluster's folder, gone after the test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'ssmmp-pairs-'));
  readonly repository = join(this.path, 'repository.yaml');

  constructor() {
    writeFileSync(this.repository, REPOSITORY);
  }

  /** The agent's state directory. */
  node(number = 1): string {
    const path = join(this.path, 'nodes', String(number));
    mkdirSync(path, { recursive: true });
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class AgentProcess {
  readonly child: ChildProcess;
  readonly stateDir: string;
  stdout = '';
  stderr = '';
  /** Exit code or signal, once it has ended. */
  ended: number | string | null = null;

  private constructor(child: ChildProcess, stateDir: string) {
    this.child = child;
    this.stateDir = stateDir;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    child.on('exit', (code, signal) => (this.ended = signal ?? code));
  }

  /** Starts it; does not wait. */
  static async run(
    folder: Folder,
    place: { address: string; manager: string; node?: number; args?: string[]; env?: Record<string, string> },
  ): Promise<AgentProcess> {
    const stateDir = folder.node(place.node);
    const args = ['--address', place.address, '--manager', place.manager, '--repository', folder.repository];
    const child = spawn(
      process.execPath,
      [await builtAgent(), ...args, '--state-dir', stateDir, ...(place.args ?? [])],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SECRET: 'of the agent', ...place.env } },
    );
    return new AgentProcess(child, stateDir);
  }

  /** Starts it and waits for its `ready` line. */
  static async start(...given: Parameters<typeof AgentProcess.run>): Promise<AgentProcess> {
    const agent = await AgentProcess.run(...given);
    await until('the ready line', () => {
      if (agent.ended !== null) throw new Error(`the agent ended: ${agent.stderr}`);
      return /^ready /m.test(agent.stdout);
    });
    return agent;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.ended === null) this.kill(signal);
    await until('the agent’s end', () => this.ended !== null);
    return this.ended as number | string;
  }

  /** A file of its state directory as text; empty when there is none. */
  file(...path: string[]): string {
    const name = join(this.stateDir, ...path);
    return existsSync(name) ? readFileSync(name, 'utf8') : '';
  }

  /** The collected log of an instance, parsed. */
  log(instance: string): Record<string, unknown>[] {
    const lines = this.file('logs', `${instance}.log`).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Its records of its children. */
  get children(): { pid: number; service_instance_id: number }[] {
    const text = this.file('agent.json');
    return text === ''
      ? []
      : (JSON.parse(text) as { children: { pid: number; service_instance_id: number }[] }).children;
  }
}

/** Does a process with this pid run? */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
