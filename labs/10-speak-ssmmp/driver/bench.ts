/**
 * A test bench for one agent: a Manager above it, puppets below it, the agent in between as a process.
 *
 * Lives here: setting it up, the few steps that every item begins with, taking it down. Does not live here: what is expected
 * (../check.ts).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ended } from '../../runner/shell/programs.ts';
import { Unmet } from '../../runner/api.ts';
import type { Work } from '../../runner/api.ts';
import { FakeManager, mustBe, mustHaveStatus } from './manager.ts';
import { Puppets } from './puppets.ts';
import type { Puppet } from './puppets.ts';
import { say } from './wire.ts';
import type { Heard } from './wire.ts';

/** What the repository of every bench holds. */
export const SERVICES = ['talker', 'listener', 'short'];
/** A name that stands in the agent's own environment and must not reach its children. */
export const SECRET = 'AGENT_SECRET';
const REGISTRATION_MS = 5_000;
const REGISTRATION_AGAIN_MS = 500;
const TALK_CHARACTERS_MAX = 4_000;

const agentShape = z.strictObject({
  run: z.array(z.string()).min(1),
});

export class Bench {
  readonly manager: FakeManager;
  readonly puppets = new Puppets();
  readonly address: string;
  readonly #work: Work;
  #agent: ChildProcess | null = null;
  #talk = '';

  private constructor(work: Work, subnet: string) {
    this.#work = work;
    this.address = `${subnet}.11`;
    this.manager = new FakeManager(`${subnet}.1`);
  }

  /** Everything is there but the agent has said nothing yet. It is taken down with the item. */
  static async start(work: Work): Promise<Bench> {
    const { run } = work.yaml('agent.json', agentShape);
    const bench = new Bench(work, await work.subnet());
    await bench.manager.listen();
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-lab-10-'));
    const port = await bench.puppets.listen(bench.manager.address);
    const puppet = join(folder, 'puppet.mjs');
    copyFileSync(join(work.places.root, 'labs', work.lab, 'driver', 'puppet.mjs'), puppet);
    writeFileSync(join(folder, 'control.json'), JSON.stringify({ host: bench.manager.address, port }));
    const repository = join(folder, 'repository.json');
    const services = Object.fromEntries(SERVICES.map((name) => [name, { run: [process.execPath, puppet] }]));
    writeFileSync(repository, JSON.stringify({ services }));
    const [program = '', ...args] = run;
    const words = [...args, '--address', bench.address, '--manager', bench.manager.address, '--repository', repository];
    const agent = spawn(program === 'node' ? process.execPath : program, words, {
      cwd: work.folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], [SECRET]: 'of the agent alone' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    bench.#agent = agent;
    for (const stream of [agent.stdout, agent.stderr])
      stream.on('data', (chunk: Buffer) => {
        bench.#talk = (bench.#talk + chunk.toString()).slice(-TALK_CHARACTERS_MAX);
      });
    agent.on('error', (error) => {
      bench.#talk += error.message;
    });
    work.atEnd(async () => {
      await ended(agent, 'SIGKILL');
      await bench.puppets.close();
      await bench.manager.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return bench;
  }

  /** What the agent printed. */
  get talk(): string {
    return this.#talk.trim() || 'it printed nothing';
  }

  get hasAgentEnded(): boolean {
    return this.#agent === null || this.#agent.exitCode !== null || this.#agent.signalCode !== null;
  }

  /** Waits for the registration and gives it. */
  async registration(): Promise<Heard> {
    // An agent that did not register once will not the next time: nobody should wait ten times for that.
    const memory = await this.#work.once('registration', () => Promise.resolve({ isSilent: false }));
    const patienceMs = memory.isSilent ? REGISTRATION_AGAIN_MS : REGISTRATION_MS;
    try {
      return await this.manager.next('initiation_request', ({ type }) => type === 'initiation_request', patienceMs);
    } catch (error) {
      memory.isSilent = true;
      if (this.manager.connections > 0) throw error;
      throw new Unmet({
        expected: `a connection to ${this.manager.address}:55555 and an initiation_request`,
        came: `${this.hasAgentEnded ? 'your agent ended' : 'nobody connected'}; it printed\n${this.talk}`,
        page: 'docs/protocol.md',
      });
    }
  }

  /** Registers the agent: waits for its request and answers 200. */
  async register(): Promise<void> {
    const { id } = await this.registration();
    this.manager.say(say('initiation_response', id, '', { status: 200 }));
  }

  /** Asks for an instance; gives the exchange's id. */
  execute(service: string, id: number, sockets = '', plugs = '', address = this.address): number {
    return this.manager.ask('execution_request', {
      agent_network_address: address,
      service_name: service,
      service_instance_id: id,
      socket_configuration: sockets,
      plug_configuration: plugs,
    });
  }

  /** An instance that runs and has said hello. */
  async running(service: string, id: number, sockets = '', plugs = ''): Promise<Puppet> {
    const exchange = this.execute(service, id, sockets, plugs);
    const puppet = await this.puppets.started(id);
    await puppet.dial();
    puppet.say(this.hello(id));
    const response = await this.manager.answer('execution_response', exchange);
    mustHaveStatus(response, 200, 'the instance has said hello', this.manager.tail());
    return puppet;
  }

  /** The unasked health response of an instance that is ready (R25). */
  hello(id: number): string {
    return say('service_instance_health_response', 1, 'service_instance_to_agent', {
      service_instance_id: id,
      status: 200,
    });
  }

  /** Throws Unmet when such a message has come. */
  mustNotHaveCome(what: string, is: (heard: Heard) => boolean): void {
    const heard = this.manager.peek(is);
    if (heard === null) return;
    throw new Unmet({ expected: what, came: heard.text, remark: `The last messages were\n${this.manager.tail()}` });
  }

  /** An execution_response with this status. */
  async executed(exchange: number, status: number, because: string): Promise<void> {
    const response = await this.manager.answer('execution_response', exchange);
    mustBe(
      response,
      [
        ['type', 'execution_response'],
        ['message_id', String(exchange)],
        ['status', null],
      ],
      this.manager.tail(),
    );
    mustHaveStatus(response, status, because, this.manager.tail());
  }
}

/** Is the process still there? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
