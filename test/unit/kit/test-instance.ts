// An instance's machine without a shell, for tests. What may not be here: any expectation.
//
// The test plays everything else: the clock, the agent, the data path.
import type { Extensions, Message, MessageType } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';
import type { InstanceSettings } from '../../../services/kit/core/arguments.ts';
import type { InstanceEffect } from '../../../services/kit/core/effects.ts';
import type { InstanceInput, Side } from '../../../services/kit/core/inputs.ts';
import { sessionsOf } from '../../../services/kit/core/dialogues/replicas.ts';
import { brokenInvariant } from '../../../services/kit/core/invariants.ts';
import { initialState, type InstanceState } from '../../../services/kit/core/state.ts';
import { instanceMachine } from '../../../services/kit/core/step.ts';

export const ADDRESS = '127.0.49.11';
export const OTHER = '127.0.49.12';

export const SETTINGS: InstanceSettings = {
  serviceName: 'post',
  instanceId: 7,
  address: ADDRESS,
  sockets: [{ socket: 'post-socket', port: 54001 }],
  plugs: [{ plug: 'posts-plug', socket: 'posts-socket', service: 'posts-db' }],
  timerScale: 1,
};

type Unstamped<Input> = Input extends { at: number } ? Omit<Input, 'at'> : never;
type Kind = InstanceEffect['kind'];
export type EffectOf<K extends Kind> = Extract<InstanceEffect, { kind: K }>;

export class TestInstance {
  state: InstanceState;
  at = 1_000_000;
  /** Effects of the last input, wait or other call. */
  effects: InstanceEffect[] = [];
  private inputs = 0;

  constructor(settings: Partial<InstanceSettings> = {}) {
    this.state = initialState({ ...SETTINGS, ...settings });
  }

  /** Feeds one input now; returns its effects. */
  input(input: Unstamped<InstanceInput>): InstanceEffect[] {
    const { effects } = instanceMachine.step(this.state, { ...input, at: this.at } as InstanceInput);
    const broken = brokenInvariant(this.state);
    if (broken !== null) throw new Error(`after ${JSON.stringify(input)}: ${broken}`);
    // Now and then a state goes through JSON: nothing may get lost on the way.
    if ((this.inputs += 1) % 3 === 0) this.state = instanceMachine.load(instanceMachine.save(this.state));
    this.effects = [...effects];
    return this.effects;
  }

  /** Lets time pass, with a tick for each deadline on the way; returns all effects. */
  wait(ms: number): InstanceEffect[] {
    const until = this.at + ms;
    const all: InstanceEffect[] = [];
    for (let due = instanceMachine.nextDeadline(this.state); due !== null && due <= until;) {
      this.at = Math.max(this.at, due);
      all.push(...this.input({ kind: 'tick' }));
      due = instanceMachine.nextDeadline(this.state);
    }
    this.at = until;
    this.effects = all;
    return all;
  }

  /** Up, connected, listening: where most tests begin. */
  begin(): this {
    this.input({ kind: 'started' });
    this.input({ kind: 'listening' });
    this.input({ kind: 'agent_connected' });
    return this;
  }

  fromAgent(message: Message | string): InstanceEffect[] {
    return this.input({ kind: 'line_received', line: typeof message === 'string' ? message : encode(message) });
  }

  /** Effects of one kind among the last ones. */
  did<K extends Kind>(kind: K): EffectOf<K>[] {
    return this.effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  /** Lines sent among the last effects. */
  get lines(): string[] {
    return this.did('send').map(({ line }) => line);
  }

  /** Messages of one type sent among the last effects. */
  sent<T extends MessageType>(type: T): Message<T>[] {
    return this.lines.flatMap((line) => {
      const decoded = decode(line);
      if (!decoded.ok) throw new Error(decoded.problem);
      return decoded.message.type === type ? [decoded.message as Message<T>] : [];
    });
  }

  /** Asks for a session, one more than there are; returns the exchange's id. */
  need(plug = 'posts-plug'): number {
    this.input({ kind: 'session_needed', plug, atLeast: sessionsOf(this.state, plug) + 1 });
    const [request] = this.sent('session_request');
    if (request === undefined) throw new Error('it asked for no session');
    return request.message_id;
  }

  /** The Manager's answer to a session_request. */
  grant(id: number, more: Partial<Message<'session_response'>> = {}): InstanceEffect[] {
    return this.fromAgent({
      type: 'session_response',
      message_id: id,
      sub_type: 'agent_to_service',
      source_service_name: 'post',
      source_service_instance_id: 7,
      dest_service_name: 'posts-db',
      dest_service_instance_id: 9,
      dest_socket_name: 'posts-socket',
      dest_service_instance_network_address: OTHER,
      dest_socket_port: 54002,
      status: 200,
      ...more,
    } as Message<'session_response'>);
  }

  /** Opens a session of the plug from wish to acknowledgement; returns its key. */
  open(plug = 'posts-plug'): string {
    const id = this.need(plug);
    this.grant(id);
    this.input({ kind: 'dialed', opening: id });
    const [use] = this.did('use_session');
    if (use === undefined) throw new Error('no session was opened');
    return use.key;
  }

  /** A session is accepted on the socket; returns its key. */
  accept(sourcePort = 20001): string {
    this.input({
      kind: 'session_accepted',
      socket: 'post-socket',
      sourceAddress: OTHER,
      sourcePort,
      destPort: 54001,
    });
    return `${OTHER}:${sourcePort}-${ADDRESS}:54001`;
  }

  drained(side: Side, key: string): InstanceEffect[] {
    return this.input({ kind: 'session_drained', side, key });
  }

  /** The Manager asks to close a session of the plug. */
  closeSource(key: string, id = 30001, x?: Extensions): InstanceEffect[] {
    const { granted, plug } = this.state.sources.get(key) ?? { granted: null, plug: 'posts-plug' };
    return this.fromAgent({
      type: 'source_service_session_close_request',
      message_id: id,
      sub_type: 'agent_to_source_service',
      source_service_name: 'post',
      source_service_instance_id: 7,
      source_service_instance_network_address: ADDRESS,
      source_plug_name: plug,
      source_plug_port: granted?.sourcePort ?? 20448,
      dest_service_name: 'posts-db',
      dest_service_instance_network_address: OTHER,
      dest_socket_name: 'posts-socket',
      dest_socket_port: 54002,
      dest_socket_new_port: 54002,
      ...(x === undefined ? {} : { x }),
    });
  }

  /** The Manager asks to close a session of the socket. */
  closeDest(sourcePort = 20001, id = 30002): InstanceEffect[] {
    return this.fromAgent({
      type: 'dest_service_session_close_request',
      message_id: id,
      sub_type: 'agent_to_dest_service',
      dest_service_name: 'post',
      dest_service_instance_id: 7,
      dest_service_instance_network_address: ADDRESS,
      source_service_instance_network_address: OTHER,
      source_plug_name: 'post-plug',
      source_plug_port: sourcePort,
      dest_socket_name: 'post-socket',
      dest_socket_port: 54001,
      dest_socket_new_port: 54001,
    });
  }

  graceful(id = 30003, instance = 7): InstanceEffect[] {
    return this.fromAgent({
      type: 'graceful_shutdown_request',
      message_id: id,
      sub_type: 'agent_to_service_instance',
      service_name: 'post',
      service_instance_id: instance,
    });
  }

  health(id = 30004, instance = 7): InstanceEffect[] {
    return this.fromAgent({
      type: 'service_instance_health_request',
      message_id: id,
      sub_type: 'agent_to_service_instance',
      service_instance_id: instance,
      service_instance_network_address: ADDRESS,
    });
  }
}
