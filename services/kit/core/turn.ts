/**
 * One turn of an instance: the state, the time, and what has been caused so far.
 *
 * Lives here: sending, reporting, deadlines: what every dialogue needs. Does not live here: any dialogue.
 */
import { subTypeOn, type Message, type MessageType } from '../../../ssmmp/core/catalog.ts';
import { encode } from '../../../ssmmp/core/codec.ts';
import type { InstanceEffect } from './effects.ts';
import type { InstanceState } from './state.ts';

/** Deadlines of an instance are keys `kind/argument`; step.ts says what follows when one is due. */
export type DeadlineKind = 'reconnect' | 'orphan' | 'opening' | 'retry' | 'idle' | 'close' | 'ending';

/** Reports kept for an agent that is away (R43); the oldest go first when there are more. */
export const UNSENT_REPORTS_MAX = 4096;

/** Passed to every handler of one step. */
export class Turn {
  readonly state: InstanceState;
  readonly now: number;
  readonly effects: InstanceEffect[] = [];

  constructor(state: InstanceState, now: number) {
    this.state = state;
    this.now = now;
  }

  do(effect: InstanceEffect): void {
    this.effects.push(effect);
  }

  /** Sends to the agent. An answer that finds no agent is dropped: whoever asked has lost its connection too. */
  send(message: Message): void {
    if (this.state.link === 'connected') this.do({ kind: 'send', line: encode(message) });
  }

  /** Sends to the agent, now or as soon as there is one (R43). */
  report(message: Message): void {
    const { unsent, sent, link } = this.state;
    if (link === 'connected') {
      this.forgetRead();
      sent.push({ message, at: this.now });
      if (sent.length > UNSENT_REPORTS_MAX) sent.shift();
      return this.send(message);
    }
    unsent.push(message);
    if (unsent.length > UNSENT_REPORTS_MAX) unsent.shift();
  }

  /**
   * Drops the reports that the Manager surely has. The agent keeps them in memory alone until it has them (agent/core/reports.ts),
   * so that the agent was heard is not enough: through it the Manager has asked, `lostMs` and `suspectMs` after they were sent.
   */
  forgetRead(): void {
    const { sent, askedAt, timers } = this.state;
    const unread = sent.findIndex(({ at }) => at + timers.lostMs + timers.suspectMs > askedAt);
    sent.splice(0, unread === -1 ? sent.length : unread);
  }

  /** The sub_type line of a message from an instance to its agent. */
  subType(type: MessageType): string | null {
    return subTypeOn(type, 'instance', 'agent') ?? null;
  }

  deadline(kind: DeadlineKind, argument: string | number, afterMs: number): void {
    this.state.deadlines.set(`${kind}/${argument}`, this.now + afterMs);
  }

  clear(kind: DeadlineKind, argument: string | number): void {
    this.state.deadlines.clear(`${kind}/${argument}`);
  }

  info(text: string): void {
    this.do({ kind: 'log', level: 'info', text });
  }

  warn(text: string): void {
    this.do({ kind: 'log', level: 'warn', text });
  }
}
