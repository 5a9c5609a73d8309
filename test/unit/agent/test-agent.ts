// An agent's machine without a shell, for tests. What may not be here: any expectation.
//
// The test plays everything else: the clock, the Manager, instances, the system with its ports and processes.
import type { Message } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';
import type { RepositoryService } from '../../../ssmmp/core/repository-file.ts';
import type { AgentEffect } from '../../../agent/core/effects.ts';
import type { AgentInput, AgentSettings, Remembered } from '../../../agent/core/inputs.ts';
import { brokenInvariant } from '../../../agent/core/invariants.ts';
import { newAgentState, type AgentState } from '../../../agent/core/state.ts';
import { agentMachine } from '../../../agent/core/step.ts';

export const ADDRESS = '127.0.48.11';
/** The Manager's first connection; the next ones count on. */
export const MANAGER = 1;

type Unstamped<Input> = Input extends { at: number } ? Omit<Input, 'at'> : never;
type Kind = AgentEffect['kind'];
type Of<K extends Kind> = Extract<AgentEffect, { kind: K }>;

/** Above so many instances the checks after every step take too long. */
const MANY = 50;

/** A repository entry with what a test does not care for filled in. */
export function service(name: string, more: Partial<RepositoryService> = {}): RepositoryService {
  return { name, sockets: null, plugs: null, run: ['node', `${name}.js`], env: {}, spares: 0, ...more };
}

export const SETTINGS: AgentSettings = {
  address: ADDRESS,
  port: 55556,
  node: 'n1',
  repository: [service('post'), service('store')],
  dataDir: '/baas',
  baseEnv: { PATH: '/bin', HOME: '/home/me', LANG: 'C' },
  timerScale: 1,
  strict: false,
  sharedAddress: false,
  seed: 7,
};

export class TestAgent {
  state: AgentState = newAgentState();
  at = 1_000_000;
  /** Effects of the last input, wait or other call. */
  effects: AgentEffect[] = [];
  /** The last thing it wanted kept. */
  remembered: Remembered | null = null;
  /** Every line of its log. */
  readonly logs: string[] = [];
  private inputs = 0;
  private managerConnections = 0;
  private managerMessageId = 30000;

  /** Feeds one input now; returns its effects. */
  input(input: Unstamped<AgentInput>): AgentEffect[] {
    const { effects } = agentMachine.step(this.state, { ...input, at: this.at } as AgentInput);
    for (const effect of effects) {
      if (effect.kind === 'remember') this.remembered = effect.state;
      if (effect.kind === 'log') this.logs.push(effect.text);
    }
    if (this.state.instances.size > MANY) return (this.effects = [...effects]);
    const broken = brokenInvariant(this.state);
    if (broken !== null) throw new Error(`after ${JSON.stringify(input)}: ${broken}`);
    // Now and then a state goes through JSON: nothing may get lost on the way.
    if ((this.inputs += 1) % 3 === 0) this.state = agentMachine.load(agentMachine.save(this.state));
    this.effects = [...effects];
    return this.effects;
  }

  /** Lets time pass, with a tick for each deadline on the way; returns all effects. */
  wait(ms: number): AgentEffect[] {
    const until = this.at + ms;
    const all: AgentEffect[] = [];
    for (let due = agentMachine.nextDeadline(this.state); due !== null && due <= until;) {
      this.at = Math.max(this.at, due);
      all.push(...this.input({ kind: 'tick' }));
      due = agentMachine.nextDeadline(this.state);
    }
    this.at = until;
    this.effects = all;
    return all;
  }

  start(settings: Partial<AgentSettings> = {}, remembered: Remembered | null = null): AgentEffect[] {
    return this.input({ kind: 'agent_started', settings: { ...SETTINGS, ...settings }, remembered });
  }

  /** The connection that the Manager is on, or will be on next. */
  get manager(): number {
    return this.state.link.connection ?? this.managerConnections + MANAGER;
  }

  /** The Manager accepts the connection; returns what the agent says on it. */
  connectManager(): Message<'initiation_request'> {
    const connection = MANAGER + this.managerConnections;
    this.managerConnections += 1;
    this.input({ kind: 'manager_connected', connection });
    return this.sent('initiation_request', connection)[0] as Message<'initiation_request'>;
  }

  /** Connects and is admitted. */
  register(x: Message['x'] | null = { x_epoch: '1', x_cluster: 'c' }): AgentEffect[] {
    const { message_id } = this.connectManager();
    return this.fromManager({
      type: 'initiation_response',
      message_id,
      sub_type: null,
      status: 200,
      ...(x ? { x } : {}),
    });
  }

  /** Starts and registers: where most tests begin. */
  begin(settings: Partial<AgentSettings> = {}): this {
    this.start(settings);
    this.register();
    return this;
  }

  fromManager(message: Message | string): AgentEffect[] {
    const line = typeof message === 'string' ? message : encode(message);
    return this.input({ kind: 'line_received', connection: this.manager, line });
  }

  from(connection: number, message: Message | string): AgentEffect[] {
    const line = typeof message === 'string' ? message : encode(message);
    return this.input({ kind: 'line_received', connection, line });
  }

  managerId(): number {
    return (this.managerMessageId += 1);
  }

  /** The Manager asks for an instance; returns the id of its request. */
  execute(id: number, more: Partial<Message<'execution_request'>> = {}): number {
    const message_id = this.managerId();
    this.fromManager({
      type: 'execution_request',
      message_id,
      sub_type: null,
      agent_network_address: ADDRESS,
      service_name: 'post',
      service_instance_id: id,
      socket_configuration: [{ socket: 'S', port: 54000 + id }],
      plug_configuration: [{ plug: 'P', socket: 'T', service: 'store' }],
      ...more,
    } as Message<'execution_request'>);
    return message_id;
  }

  /** The run of an instance's process. */
  run(id: number): { instance: number; run: number } {
    return { instance: id, run: this.state.instances.get(id)?.run ?? 0 };
  }

  /** The ports are free and the process runs, pid 1000 + id. */
  started(id: number): AgentEffect[] {
    this.input({ kind: 'ports_probed', ...this.run(id), taken: [] });
    return this.input({ kind: 'process_started', ...this.run(id), pid: 1000 + id, startTime: `t${id}` });
  }

  /** It connects (connection 100 + id) and says hello. */
  hello(id: number, connection = 100 + id): AgentEffect[] {
    this.input({ kind: 'connection_opened', connection, address: ADDRESS });
    return this.from(connection, hello(id));
  }

  /** Executed, started, greeted: it is ready. */
  ready(id: number, more: Partial<Message<'execution_request'>> = {}): void {
    this.execute(id, more);
    this.started(id);
    this.hello(id);
  }

  ended(id: number, code: number | null = 0, signal: string | null = null): AgentEffect[] {
    return this.input({ kind: 'process_ended', ...this.run(id), code, signal });
  }

  closed(connection: number): AgentEffect[] {
    return this.input({ kind: 'connection_closed', connection, why: 'closed by the peer' });
  }

  /** Dead, and its connection closed: the end is complete. */
  gone(id: number, code: number | null = 0, signal: string | null = null): AgentEffect[] {
    const first = this.ended(id, code, signal);
    const connection = this.state.instances.get(id)?.connection ?? null;
    const second = connection === null ? [] : this.closed(connection);
    this.effects = [...first, ...second];
    return this.effects;
  }

  /** Effects of one kind among the last ones. */
  did<K extends Kind>(kind: K): Of<K>[] {
    return this.effects.filter((effect): effect is Of<K> => effect.kind === kind);
  }

  /** Messages of one type among the last effects, on one connection or any. */
  sent<T extends Message['type']>(type: T, connection?: number): Message<T>[] {
    return this.did('send')
      .filter((effect) => connection === undefined || effect.connection === connection)
      .map(({ line }) => read(line))
      .filter((message): message is Message<T> => message.type === type);
  }

  /** Every message among the last effects, as `type` words with the connection. */
  get wire(): string[] {
    return this.did('send').map(({ connection, line }) => {
      const message = read(line);
      const status = 'status' in message ? ` ${message.status}` : '';
      return `${connection}: ${message.type}${status}`;
    });
  }

  status(id: number): string | undefined {
    return this.state.instances.get(id)?.status;
  }
}

export function read(line: string): Message {
  const decoded = decode(line);
  if (!decoded.ok) throw new Error(`the agent wrote what cannot be read: ${decoded.problem}: ${line}`);
  return decoded.message;
}

export function hello(id: number): Message<'service_instance_health_response'> {
  return {
    type: 'service_instance_health_response',
    message_id: 1,
    sub_type: 'service_instance_to_agent',
    service_instance_id: id,
    status: 200,
  };
}

export function sessionRequest(id: number, message_id = 1000): Message<'session_request'> {
  return {
    type: 'session_request',
    message_id,
    sub_type: 'service_to_agent',
    source_service_name: 'post',
    source_service_instance_id: id,
    source_service_instance_network_address: ADDRESS,
    source_plug_name: 'P',
    dest_service_name: 'store',
    dest_socket_name: 'T',
  };
}

export function sessionResponse(id: number, message_id = 1000, status = 200): Message<'session_response'> {
  return {
    type: 'session_response',
    message_id,
    sub_type: 'Manager_to_agent',
    source_service_name: 'post',
    source_service_instance_id: id,
    dest_service_name: 'store',
    dest_service_instance_id: 9,
    dest_socket_name: 'T',
    dest_service_instance_network_address: '127.0.48.12',
    dest_socket_port: 54009,
    status,
  };
}

export function ack(id: number, message_id = 1000): Message<'session_ack'> {
  return {
    type: 'session_ack',
    message_id,
    sub_type: 'service_to_agent',
    source_service_name: 'post',
    source_service_instance_id: id,
    source_plug_port: 20001,
    dest_socket_new_port: 54009,
    status: 200,
  };
}

export function termination(id: number, message_id = 1007): Message<'service_instance_termination_info'> {
  return {
    type: 'service_instance_termination_info',
    message_id,
    sub_type: 'service_instance_to_agent',
    service_name: 'post',
    service_instance_id: id,
    service_instance_network_address: ADDRESS,
  };
}

export function closeRequest(id: number, message_id: number): Message<'source_service_session_close_request'> {
  return {
    type: 'source_service_session_close_request',
    message_id,
    sub_type: 'Manager_to_agent',
    source_service_name: 'post',
    source_service_instance_id: id,
    source_service_instance_network_address: ADDRESS,
    source_plug_name: 'P',
    source_plug_port: 20001,
    dest_service_name: 'store',
    dest_service_instance_network_address: '127.0.48.12',
    dest_socket_name: 'T',
    dest_socket_port: 54009,
    dest_socket_new_port: 54009,
  };
}

export function closeResponse(message_id: number, status = 200): Message<'source_service_session_close_response'> {
  return {
    type: 'source_service_session_close_response',
    message_id,
    sub_type: 'source_service_to_agent',
    status,
  };
}

export function healthRequest(id: number, message_id: number): Message<'service_instance_health_request'> {
  return {
    type: 'service_instance_health_request',
    message_id,
    sub_type: 'Manager_to_agent',
    service_instance_id: id,
    service_instance_network_address: ADDRESS,
  };
}

export function graceful(id: number, message_id: number): Message<'graceful_shutdown_request'> {
  return {
    type: 'graceful_shutdown_request',
    message_id,
    sub_type: 'Manager_to_agent',
    service_name: 'post',
    service_instance_id: id,
  };
}

export function gracefulAnswer(message_id: number, status = 200): Message<'graceful_shutdown_response'> {
  return { type: 'graceful_shutdown_response', message_id, sub_type: 'service_instance_to_agent', status };
}

export function hard(id: number, message_id: number): Message<'hard_shutdown_request'> {
  return {
    type: 'hard_shutdown_request',
    message_id,
    sub_type: 'Manager_to_agent',
    service_name: 'post',
    service_instance_id: id,
  };
}
