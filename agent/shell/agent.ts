/**
 * An agent: its machine, and everything real around it.
 *
 * Lives here: putting the parts of the shell together, performing effects, starting and ending. Does not live
 * here: the command line (options.ts), any decision (agent/core).
 */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import { startClock } from '../../ssmmp/shell/clock.ts';
import { Driver } from '../../ssmmp/shell/driver.ts';
import type { Logger } from '../../ssmmp/shell/log.ts';
import { isRunning, readPidFile, removePidFile, writePidFile } from '../../ssmmp/shell/process-identity.ts';
import type { AgentEffect } from '../core/effects.ts';
import { environmentOf } from '../core/environment.ts';
import type { AgentInput, AgentSettings, Remembered } from '../core/inputs.ts';
import { SHARED_AGENT_PORTS } from '../core/limits.ts';
import { newAgentState, type AgentState } from '../core/state.ts';
import { agentMachine } from '../core/step.ts';
import { Connections } from './connections.ts';
import type { AgentOptions } from './options.ts';
import { managerPlace } from './manager-place.ts';
import { Output } from './output.ts';
import { acceptAll, takenPorts } from './probes.ts';
import { loadRepository, type Repository } from './repository.ts';
import { Spares } from './spares.ts';
import { Spawner } from './spawner.ts';
import { StateFile } from './state-file.ts';
import { TraceFile } from './trace-file.ts';

/** Variables of the agent's own environment that its children get. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'SSMMP_RECORD_DIR'];
/** A stop is over after this long, whatever happens, in milliseconds. */
const STOP_MS_MAX = 800;
/** The last lines to the Manager have this long to leave. */
const FAREWELL_MS_MAX = 150;

/** Something a person has to mend; its message is the sentence. */
export class StartError extends Error {}

export interface RunningAgent {
  /** `address:port` where instances reach it. */
  readonly listening: string;
  /** Ends the children, then the agent. */
  stop(): void;
  /** Breaks the link to the Manager; the next one goes where manager-link.json says. */
  relink(): void;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number>;
}

/** Starts an agent; resolves when instances can connect. Rejects with a StartError. */
export async function startAgent(options: AgentOptions, env: NodeJS.ProcessEnv, log: Logger): Promise<RunningAgent> {
  const repository = loadRepository(options.repositoryFile);
  if (typeof repository === 'string') throw new StartError(repository);
  mkdirSync(options.stateDir, { recursive: true });
  const pidFile = join(options.stateDir, 'agent.pid');
  const other = readPidFile(pidFile);
  if (other !== null && other.pid !== process.pid && isRunning(other))
    throw new StartError(
      `another agent (pid ${other.pid}) uses ${options.stateDir}; stop it, or give this one another --state-dir`,
    );
  const shell = new AgentShell(options, repository, env, log);
  const port = await shell.listen();
  writePidFile(pidFile);
  shell.begin(port);
  return {
    listening: joinAddressPort(options.address, port),
    stop: () => shell.stop(),
    relink: () => shell.relink(),
    ended: shell.ended.finally(() => removePidFile(pidFile)),
  };
}

class AgentShell {
  readonly ended: Promise<number>;
  readonly #options: AgentOptions;
  readonly #repository: Repository;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Logger;
  readonly #now = startClock();
  readonly #connections: Connections;
  readonly #stateFile: StateFile;
  readonly #trace: TraceFile;
  readonly #output: Output;
  readonly #driver: Driver<AgentState, AgentInput, AgentEffect>;
  #spares: Spares | null = null;
  #spawner: Spawner | null = null;
  #end: (code: number) => void = () => undefined;
  #isEnding = false;

  constructor(options: AgentOptions, repository: Repository, env: NodeJS.ProcessEnv, log: Logger) {
    this.#options = options;
    this.#repository = repository;
    this.#env = env;
    this.#log = log;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const tell = (sentence: string): void => this.#log.error(sentence);
    this.#stateFile = new StateFile(join(options.stateDir, 'agent.json'));
    this.#trace = new TraceFile(join(options.stateDir, 'trace.jsonl'), tell);
    this.#output = new Output(options.stateDir, options.address, this.#now, tell);
    this.#driver = new Driver(agentMachine, newAgentState(), {
      now: this.#now,
      perform: (effect) => this.#perform(effect),
      tick: () => ({ kind: 'tick' }),
    });
    const { input } = bound(this.#driver);
    this.#connections = new Connections({
      opened: (connection, address) => input({ kind: 'connection_opened', connection, address }),
      managerConnected: (connection) => input({ kind: 'manager_connected', connection }),
      managerUnreached: (why) => input({ kind: 'manager_unreached', why }),
      line: (connection, line) => input({ kind: 'line_received', connection, line }),
      oversized: (connection) => input({ kind: 'oversized_received', connection }),
      closed: (connection, why) => input({ kind: 'connection_closed', connection, why }),
    });
  }

  /** Listens for instances, on the first free port where nodes share the address (R16). */
  async listen(): Promise<number> {
    const { address, port } = this.#options;
    const ports = port !== null ? [port] : sharedPorts();
    for (const candidate of ports)
      try {
        await this.#connections.listen(address, candidate);
        return candidate;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && candidate !== ports.at(-1)) continue;
        throw new StartError(cannotListen(joinAddressPort(address, candidate), code, message));
      }
    throw new StartError('no port to listen on');
  }

  begin(port: number): void {
    const remembered = this.#stateFile.load();
    const settings = this.#settings(port, remembered?.node ?? randomBytes(8).toString('hex'));
    const timers = scaledTimers(settings.timerScale, settings.timerPreset);
    const kept = new Set(remembered?.instances.map(({ id, service }) => `${service}/${id}`));
    this.#output.collectLeft((service, id) => kept.has(`${service}/${id}`));
    this.#spares = new Spares(
      this.#repository.services,
      this.#repository.folder,
      (service) => environmentOf(settings, service, service.plugs?.length === 0),
      this.#output,
      (service, text) => this.#log.warn({ service }, text),
    );
    const { input } = bound(this.#driver);
    this.#spawner = new Spawner(this.#repository, this.#spares, this.#output, timers.adoptedCheckMs, {
      started: (of, pid, startTime) => input({ kind: 'process_started', ...ofRun(of), pid, startTime }),
      failed: (of, why) => input({ kind: 'process_failed', ...ofRun(of), why }),
      ended: (of, code, signal) => input({ kind: 'process_ended', ...ofRun(of), code, signal }),
      checked: (of, alive) => input({ kind: 'process_checked', ...ofRun(of), alive }),
    });
    this.#spares.later();
    input({ kind: 'agent_started', settings, remembered });
  }

  stop(): void {
    if (this.#isEnding) return;
    this.#spares?.stop();
    setTimeout(() => void this.#finish(0, 'some children did not end in time'), STOP_MS_MAX).unref();
    this.#driver.input({ kind: 'stop_requested' });
  }

  relink(): void {
    const { connection } = this.#driver.state.link;
    if (connection !== null) this.#connections.destroy(connection);
  }

  #settings(port: number, node: string): AgentSettings {
    const { address, dataDir, strict, sharedAddress, timerScale, timerPreset } = this.#options;
    const baseEnv: Record<string, string> = {};
    for (const name of PASSED_ON) {
      const value = this.#env[name];
      if (value !== undefined) baseEnv[name] = value;
    }
    if (timerScale !== 1) baseEnv['SSMMP_TIMER_SCALE'] = String(timerScale);
    if (timerPreset !== 'lab') baseEnv['SSMMP_TIMERS'] = timerPreset;
    const repository = this.#repository.services;
    const seed = randomInt(2 ** 31);
    return { address, port, node, repository, dataDir, baseEnv, timerScale, timerPreset, strict, sharedAddress, seed };
  }

  #perform(effect: AgentEffect): void {
    const { address, manager } = this.#options;
    switch (effect.kind) {
      case 'connect_manager':
        return this.#connections.connectManager(address, managerPlace(this.#options.stateDir, manager));
      case 'send':
        return this.#connections.send(effect.connection, effect.line);
      case 'close':
        return this.#connections.close(effect.connection);
      case 'probe_ports':
        return void takenPorts(address, effect.ports).then((taken) =>
          this.#driver.input({ kind: 'ports_probed', ...ofRun(effect), taken }),
        );
      case 'probe_sockets':
        return void acceptAll(address, effect.ports).then((accepting) =>
          this.#driver.input({ kind: 'sockets_probed', ...ofRun(effect), accepting }),
        );
      case 'spawn':
        return this.#spawner?.spawn(effect);
      case 'kill':
        return this.#spawner?.kill(effect);
      case 'check_process':
        return this.#spawner?.check(effect);
      case 'remember':
        return this.#save(effect.state);
      case 'trace':
        return this.#trace.add(effect);
      case 'log':
        return this.#log[effect.level](effect.data, effect.text);
      case 'stop':
        return void this.#finish(effect.code, effect.why);
    }
  }

  #save(state: Remembered): void {
    try {
      this.#stateFile.save(state);
    } catch (error) {
      // No room on the disk: what runs goes on, only the next life of this agent will not know of it.
      this.#log.error(`agent.json is not up to date: ${(error as Error).message}`);
    }
  }

  async #finish(code: number, why: string): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#log.info(`the agent ends: ${why}`);
    this.#driver.stop();
    this.#spares?.stop();
    this.#spawner?.stop();
    // Told to stop: nothing of it stays. Refused by the Manager: the children are not the agent's to end.
    if (code === 0) this.#spawner?.killAll();
    await this.#connections.shut(FAREWELL_MS_MAX);
    this.#trace.close();
    this.#output.close();
    this.#stateFile.close();
    this.#end(code);
  }
}

function bound(driver: Driver<AgentState, AgentInput, AgentEffect>): Pick<typeof driver, 'input'> {
  return { input: (input) => driver.input(input) };
}

function ofRun({ instance, run }: { instance: number; run: number }): { instance: number; run: number } {
  return { instance, run };
}

function sharedPorts(): number[] {
  const { first, last } = SHARED_AGENT_PORTS;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function cannotListen(place: string, code: string | undefined, message: string): string {
  if (code === 'EADDRINUSE')
    return `${place} is taken: another agent of this node runs, or another program holds the port`;
  if (code === 'EADDRNOTAVAIL') return `${place}: this machine has no such address; give --address one that it has`;
  if (code === 'EACCES') return `${place}: not permitted to listen there; give --port another one`;
  return `cannot listen on ${place}: ${message}`;
}
