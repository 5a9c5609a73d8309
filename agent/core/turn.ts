/**
 * One turn of an agent: the state, the time, and what has been caused so far.
 *
 * Lives here: sending on both hops with its trace, deadlines, sentences for people: what every dialogue
 * needs. Does not live here: any dialogue.
 */
import { subTypeOn, type Message, type MessageType } from '../../ssmmp/core/catalog.ts';
import { encode, UnencodableError } from '../../ssmmp/core/codec.ts';
import { exchangeOf } from '../../ssmmp/core/exchange.ts';
import type { AgentEffect, TracedHop } from './effects.ts';
import type { AgentSettings } from './inputs.ts';
import type { AgentState, Instance } from './state.ts';

/** How the Manager is called in a trace; its own says the same, so that traces can be put together. */
export const MANAGER = 'Manager';

/** Deadlines of an agent are keys `kind/argument`; tick.ts says what follows when one is due. */
export type DeadlineKind =
  'link' | 'silence' | 'stranger' | 'start' | 'hello' | 'kill' | 'words' | 'request' | 'asked' | 'held';

/** Passed to every handler of one step. */
export class Turn {
  readonly state: AgentState;
  readonly settings: AgentSettings;
  readonly at: number;
  readonly effects: AgentEffect[] = [];

  constructor(state: AgentState, settings: AgentSettings, at: number) {
    this.state = state;
    this.settings = settings;
    this.at = at;
  }

  /** How this agent is called in a trace: its address, with x_node where nodes share one (R16). */
  get self(): string {
    const { address, node, sharedAddress } = this.settings;
    return sharedAddress ? `${address}#${node}` : address;
  }

  /** Sends to the Manager; nothing happens while there is no connection. */
  sendToManager(message: Message): void {
    const { connection } = this.state.link;
    if (connection !== null) this.send(connection, message, 'agent-Manager', MANAGER);
  }

  /** Sends to an instance that has a connection. */
  sendToInstance(instance: Instance, message: Message): void {
    if (instance.connection !== null) this.send(instance.connection, message, 'instance-agent', nameOf(instance));
  }

  /** Sends on any connection, whoever is there. */
  send(connection: number, message: Message, hop: TracedHop, to: string): void {
    const line = this.write(message);
    if (line === null) return;
    this.effects.push({ kind: 'send', connection, line });
    this.trace(hop, this.self, to, message, line);
  }

  trace(hop: TracedHop, from: string, to: string, message: Message, line: string): void {
    const exchange = exchangeOf(message, this.self);
    this.effects.push({ kind: 'trace', at: this.at, hop, from, to, exchange, line });
  }

  close(connection: number, why: string): void {
    this.effects.push({ kind: 'close', connection, why });
  }

  log(level: 'info' | 'warn' | 'error', text: string, data: Record<string, string | number | null> = {}): void {
    this.effects.push({ kind: 'log', level, text, data });
  }

  deadline(kind: DeadlineKind, argument: string | number, afterMs: number): void {
    this.state.deadlines.set(`${kind}/${argument}`, this.at + afterMs);
  }

  clear(kind: DeadlineKind, argument: string | number): void {
    this.state.deadlines.clear(`${kind}/${argument}`);
  }

  /** The sub_type line of a message that this agent sends. */
  subType(type: MessageType, to: 'Manager' | 'instance' = 'Manager'): string | null {
    return subTypeOn(type, 'agent', to) ?? null;
  }

  /** The next message_id of this agent. */
  messageId(): number {
    const id = this.state.nextMessageId;
    this.state.nextMessageId += 1;
    return id;
  }

  /** A message that came just within 64 KiB may go over it with another sub_type; then it goes no further. */
  private write(message: Message): string | null {
    try {
      return encode(message, this.settings.strict);
    } catch (error) {
      if (!(error instanceof UnencodableError)) throw error;
      this.log('warn', `a ${message.type} is not passed on: ${error.message}`, { message_id: message.message_id });
      return null;
    }
  }
}

/** `<service>/<id>`. */
export function nameOf(instance: Instance): string {
  return `${instance.service}/${instance.id}`;
}

/** What could be read of a message, by line name: what a refusal echoes. */
export function linesOf(message: Message): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const [name, value] of Object.entries(message))
    if (typeof value === 'string' || typeof value === 'number') lines.set(name, String(value));
  return lines;
}
