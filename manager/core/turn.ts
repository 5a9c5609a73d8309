/**
 * One turn of the Manager: the state, the time, and what has been caused so far.
 *
 * Lives here: sending, events, exchanges with their deadlines, offences: what every dialogue needs. Does
 * not live here: any dialogue.
 */
import { subTypeOn, type Message, type MessageType } from '../../ssmmp/core/catalog.ts';
import { encode } from '../../ssmmp/core/codec.ts';
import { UNREADABLE_MESSAGES_MAX } from '../../ssmmp/core/names.ts';
import { refusal } from '../../ssmmp/core/refusal.ts';
import type { ManagerEffect, ManagerEvent } from './effects.ts';
import type { PolicyAnswer, PolicyOracle, PolicyQuestion } from './oracle.ts';
import type { Agent, ConnectionInfo, Exchange, Instance, ManagerState } from './state.ts';

type EventData = Record<string, string | number | boolean | null>;

/** Deadlines of the Manager are keys `kind/argument`; tick.ts says what follows when one is due. */
export type DeadlineKind =
  'beat' | 'silence' | 'exchange' | 'grant' | 'tombstone' | 'rival' | 'hold' | 'settle' | 'hard' | 'stopping';

/** Passed to every handler of one step. */
export class Turn {
  readonly state: ManagerState;
  readonly now: number;
  readonly effects: ManagerEffect[] = [];
  /** Must the journal be on disk before the effects? Set by everything that another party relies on. */
  flush = false;
  /** Instances that have just come on; at the end of the step their services are rebalanced. */
  readonly arrived: Instance[] = [];

  /** What policies in files answered in this turn, to be recorded. */
  readonly answers: PolicyAnswer[] = [];
  private readonly oracle: PolicyOracle | null;
  private readonly recorded: readonly PolicyAnswer[] | null;

  /** `recorded`: the answers of the turn that is replayed; without them the oracle, if there is one, is asked. */
  constructor(
    state: ManagerState,
    now: number,
    oracle: PolicyOracle | null = null,
    recorded: readonly PolicyAnswer[] | null = null,
  ) {
    this.state = state;
    this.now = now;
    this.oracle = oracle;
    this.recorded = recorded;
  }

  /** Asks a policy in a file. */
  ask(question: PolicyQuestion): PolicyAnswer {
    const answer = this.recorded === null ? this.oracle?.(question) : this.recorded[this.answers.length];
    if (answer === undefined) return { problem: 'there is nobody here who could run it' };
    this.answers.push(answer);
    return answer;
  }

  /** Sends on a connection. Health requests promise nothing and need no flush. */
  send(connection: number, message: Message, flush = true): void {
    this.effects.push({ kind: 'send', connection, line: encode(message, this.state.settings.strict) });
    this.flush ||= flush;
  }

  /** Sends to an agent; false when it has no connection now. */
  sendTo(agent: Agent | null, message: Message, flush = true): boolean {
    if (agent === null || agent.connection === null) return false;
    this.send(agent.connection, message, flush);
    return true;
  }

  close(connection: number, why: string): void {
    this.effects.push({ kind: 'close', connection, why });
    this.flush = true;
  }

  reply(request: number, status: number, body: Readonly<Record<string, unknown>>): void {
    this.effects.push({ kind: 'reply', request, status, body });
    this.flush = true;
  }

  event(what: ManagerEvent['what'], text: string, data: EventData = {}): void {
    const seq = this.state.nextEvent;
    this.state.nextEvent += 1;
    this.effects.push({ kind: 'event', event: { seq, what, text, data } });
  }

  /** The next message_id of the Manager: unique for ever (R11). */
  messageId(): number {
    const id = this.state.nextMessageId;
    this.state.nextMessageId += 1;
    return id;
  }

  /** The sub_type line of a message from Manager to agent. */
  subType(type: MessageType): string | null {
    return subTypeOn(type, 'Manager', 'agent') ?? null;
  }

  deadline(kind: DeadlineKind, argument: string | number, afterMs: number): void {
    this.state.deadlines.set(`${kind}/${argument}`, this.now + afterMs);
  }

  clear(kind: DeadlineKind, argument: string | number): void {
    this.state.deadlines.clear(`${kind}/${argument}`);
  }

  /** Notes that a request awaits its response until `afterMs` have passed. */
  await(exchange: Exchange, afterMs: number): void {
    this.state.exchanges.set(exchange.id, exchange);
    this.deadline('exchange', exchange.id, afterMs);
  }

  /** Takes out the exchange a response belongs to: same id, same connection (R11, R29), same kind; null when none. */
  settle(id: number, type: MessageType, connection: number): Exchange | null {
    const exchange = this.state.exchanges.get(id);
    if (exchange === undefined || exchange.connection !== connection || exchange.type !== type) return null;
    this.state.exchanges.delete(id);
    this.clear('exchange', id);
    return exchange;
  }

  /**
   * A message that could not be read or may not be sent: answered with the matching response where there
   * is one, counted, and the connection closed at the third (R03).
   */
  offend(
    connection: ConnectionInfo,
    problem: string,
    type: MessageType | null,
    messageId: number | null,
    lines: ReadonlyMap<string, string>,
  ): void {
    connection.offences += 1;
    this.event('protocol', `${connection.address} sent what cannot be read: ${problem}`, {
      connection: connection.id,
      offence: connection.offences,
    });
    const answer = refusal(type, messageId, lines, 400, 'Manager', 'agent');
    if (answer !== null) this.send(connection.id, answer);
    if (connection.offences >= UNREADABLE_MESSAGES_MAX)
      this.close(connection.id, `${UNREADABLE_MESSAGES_MAX} unreadable messages (R03)`);
  }
}
