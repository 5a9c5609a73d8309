/**
 * Instances of the kit in this process, on real TCP, with an agent and a Manager that a test plays.
 *
 * Lives here: starting them and ending them again, the Manager's usual answers. Does not live here: any expectation.
 */
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { Instance } from '../../../services/kit/shell/instance.ts';
import type { InstanceSettings } from '../../../services/kit/core/arguments.ts';
import type { Logger, ServiceContext, ServiceDefinition } from '../../../services/kit/service.ts';
import type { AgentConnection } from '../../unit/kit/fake-agent.ts';
import { FakeAgent } from '../../unit/kit/fake-agent.ts';

/** The address of each node; an agent listens on its AGENT_PORT. */
export const SOURCE_NODE = '127.0.49.31';
export const DEST_NODE = '127.0.49.32';
export const AGENT_PORT = 55556;

export interface Running {
  readonly instance: Instance;
  readonly context: ServiceContext;
  /** Its connection to the agent, after hello. */
  readonly agent: AgentConnection;
  /** Exit code, once it has ended. */
  readonly ended: Promise<number>;
  readonly logs: { level: string; msg: string; obj: object }[];
}

type Create = ServiceDefinition | ((context: ServiceContext) => ServiceDefinition);

/** Everything that one test has started. */
export class Bench {
  private readonly agents = new Map<string, FakeAgent>();
  private readonly running: Instance[] = [];
  private nextPort = 54001;

  async agent(address: string): Promise<FakeAgent> {
    const known = this.agents.get(address);
    if (known !== undefined) return known;
    const agent = await FakeAgent.listen(address, AGENT_PORT);
    this.agents.set(address, agent);
    return agent;
  }

  /** A port for a socket, of its own in this test. */
  port(): number {
    this.nextPort += 1;
    return this.nextPort;
  }

  /** Starts an instance and awaits its hello. */
  async start(
    create: Create,
    settings: Partial<InstanceSettings> & { instanceId: number },
    env: Readonly<Record<string, string>> = {},
  ): Promise<Running> {
    const full = { serviceName: 'post', address: SOURCE_NODE, sockets: [], plugs: [], timerScale: 1, ...settings };
    const fakeAgent = await this.agent(full.address);
    const logs: Running['logs'] = [];
    const write = (level: string) => (obj: object, msg: string) => void logs.push({ level, msg, obj });
    const log: Logger = { info: write('info'), warn: write('warn'), error: write('error') };
    let exit: (code: number) => void = () => undefined;
    const ended = new Promise<number>((resolve) => (exit = resolve));
    const instance = new Instance({
      settings: full,
      agentPort: AGENT_PORT,
      dataDir: null,
      env,
      log,
      now: () => Date.now(),
      exit: (code) => exit(code),
    });
    this.running.push(instance);
    await instance.run(create);
    const agent = await fakeAgent.accept();
    await agent.next('service_instance_health_response');
    return { instance, context: instance.context, agent, ended, logs };
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    for (const instance of this.running) instance.destroy();
    for (const agent of this.agents.values()) await agent.close();
  }
}

/** Answers the next session_request of an instance with the socket of another; returns the acknowledgement. */
export async function grantNext(
  agent: AgentConnection,
  address: string,
  port: number,
  more: Partial<Message<'session_response'>> = {},
): Promise<Message<'session_ack'>> {
  const request = await agent.next('session_request');
  grant(agent, request.message_id, address, port, more);
  return agent.next('session_ack');
}

/** The Manager's answer to a session_request. */
export function grant(
  agent: AgentConnection,
  messageId: number,
  address: string,
  port: number,
  more: Partial<Message<'session_response'>> = {},
): void {
  agent.send({
    type: 'session_response',
    message_id: messageId,
    sub_type: 'agent_to_service',
    source_service_name: null,
    source_service_instance_id: null,
    dest_service_name: 'posts-db',
    dest_service_instance_id: 9,
    dest_socket_name: 'posts-socket',
    dest_service_instance_network_address: address,
    dest_socket_port: port,
    status: 200,
    ...more,
  } as Message<'session_response'>);
}

/** The Manager closes a session at its source. */
export function closeAtSource(agent: AgentConnection, instanceId: number, sourcePort: number, destPort: number): void {
  agent.send({
    type: 'source_service_session_close_request',
    message_id: 30001,
    sub_type: 'agent_to_source_service',
    source_service_name: 'post',
    source_service_instance_id: instanceId,
    source_service_instance_network_address: SOURCE_NODE,
    source_plug_name: 'posts-plug',
    source_plug_port: sourcePort,
    dest_service_name: 'posts-db',
    dest_service_instance_network_address: DEST_NODE,
    dest_socket_name: 'posts-socket',
    dest_socket_port: destPort,
    dest_socket_new_port: destPort,
  });
}

/** The Manager closes a session at its destination. */
export function closeAtDest(agent: AgentConnection, instanceId: number, sourcePort: number, destPort: number): void {
  agent.send({
    type: 'dest_service_session_close_request',
    message_id: 30002,
    sub_type: 'agent_to_dest_service',
    dest_service_name: 'posts-db',
    dest_service_instance_id: instanceId,
    dest_service_instance_network_address: DEST_NODE,
    source_service_instance_network_address: SOURCE_NODE,
    source_plug_name: 'posts-plug',
    source_plug_port: sourcePort,
    dest_socket_name: 'posts-socket',
    dest_socket_port: destPort,
    dest_socket_new_port: destPort,
  });
}

/** A handler whose requests the test answers when it likes. */
export class HeldHandler {
  readonly held: { rest: string; answer: () => void }[] = [];
  private wake: (() => void)[] = [];
  private through = false;

  readonly handle = (request: { rest: string }): Promise<{ type: string; rest: string }> =>
    new Promise((resolve) => {
      const entry = { rest: request.rest, answer: () => resolve({ type: 'echo_response', rest: request.rest }) };
      this.held.push(entry);
      if (this.through) entry.answer();
      for (const wake of this.wake.splice(0)) wake();
    });

  /** Resolves when so many requests have come. */
  async count(wanted: number): Promise<void> {
    while (this.held.length < wanted)
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`only ${this.held.length} of ${wanted} requests came`)), 5000);
        this.wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
  }

  /** Answers what has come, and at once what comes. */
  release(): void {
    this.through = true;
    for (const { answer } of this.held) answer();
  }
}

/** Waits for a condition, 5 s at most. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
