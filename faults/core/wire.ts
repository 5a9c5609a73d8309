/**
 * Holding the wire: a message is stopped on its way, looked at, and then delivered, dropped, doubled or let wait for
 * the next one.
 *
 * Lives here: which message is held, what passes meanwhile, what a decision lets go. Does not live here: connections
 * (faults/shell/link.ts), printing.
 *
 *   armed ── the nth matching message comes ──▶ held ── deliver, drop, duplicate ──▶ done
 *                                                 └──── reorder ──▶ swapping ── the next message ──▶ done
 *
 * Theory. TCP keeps the order, so all that comes behind a held message on its link waits with it; other links go on.
 * Health messages pass all the same (unless one of them is what is held): a person who looks at a message for a minute
 * would else find the node declared lost. They are not counted either, for they come by the clock.
 */
import type { MessageType } from '../../ssmmp/core/catalog.ts';

/** Up: from the one that connects (an agent, a user). Down: from the one that listens (the Manager, a gateway). */
export type Direction = 'up' | 'down';

export type Decision = 'deliver' | 'drop' | 'duplicate' | 'reorder';
export const DECISIONS: readonly Decision[] = ['deliver', 'drop', 'duplicate', 'reorder'];

export interface HoldRequest {
  readonly id: string;
  readonly direction: Direction;
  /** Null: any but health messages. */
  readonly type: string | null;
  /** The links it is on; null: all. */
  readonly links: readonly string[] | null;
  /** From 1: the first matching message from now on. */
  readonly nth: number;
  /** What happens to it at once; null: somebody decides. */
  readonly then: Decision | null;
}

/** What was stopped. */
export interface HeldMessage {
  readonly id: string;
  readonly link: string;
  readonly line: string;
}

/** Lines to send on, in order. */
export interface Released {
  readonly link: string;
  readonly direction: Direction;
  readonly lines: readonly string[];
}

export type WireEffect =
  | ({ readonly kind: 'send' } & Released)
  | ({ readonly kind: 'held' } & HeldMessage)
  | { readonly kind: 'done'; readonly id: string; readonly decision: Decision };

interface Stopped {
  readonly hold: HoldRequest;
  readonly line: string;
  /** A reorder waits for the message that goes first. */
  isSwapping: boolean;
  /** What came behind it. */
  readonly behind: string[];
}

/** All the links of one process; holds count over them together. */
export class Wire {
  readonly #armed = new Map<string, { readonly hold: HoldRequest; seen: number }>();
  /** By link and direction: the message that stopped it. */
  readonly #stopped = new Map<string, Stopped>();

  arm(hold: HoldRequest): void {
    this.#armed.set(hold.id, { hold, seen: 0 });
  }

  /** A whole line came (without LF). */
  line(link: string, direction: Direction, line: string): WireEffect[] {
    const stopped = this.#stopped.get(keyOf(link, direction));
    if (stopped !== undefined) return this.#behind(stopped, link, direction, line);
    const type = typeOf(line);
    for (const armed of this.#armed.values()) {
      if (!matches(armed.hold, link, direction, type)) continue;
      armed.seen += 1;
      if (armed.seen < armed.hold.nth) continue;
      this.#armed.delete(armed.hold.id);
      this.#stopped.set(keyOf(link, direction), { hold: armed.hold, line, isSwapping: false, behind: [] });
      const held: WireEffect = { kind: 'held', id: armed.hold.id, link, line };
      return armed.hold.then === null ? [held] : [held, ...this.decide(armed.hold.id, armed.hold.then)];
    }
    return [{ kind: 'send', link, direction, lines: [line] }];
  }

  /** What becomes of a held message; nothing when none is held under this id. */
  decide(id: string, decision: Decision): WireEffect[] {
    for (const [key, stopped] of this.#stopped) {
      if (stopped.hold.id !== id) continue;
      const [link = '', direction] = key.split('\n') as [string, Direction];
      if (decision === 'reorder' && stopped.behind.length === 0) {
        stopped.isSwapping = true;
        return [];
      }
      this.#stopped.delete(key);
      const { first, rest } = order(stopped, decision);
      const effects: WireEffect[] = first.length === 0 ? [] : [{ kind: 'send', link, direction, lines: first }];
      effects.push({ kind: 'done', id, decision });
      // what waited behind comes past the holds that are still armed
      return [...effects, ...rest.flatMap((line) => this.line(link, direction, line))];
    }
    return [];
  }

  /** A connection of the link ended: what it held is lost with it, as it would be on a real wire. */
  ended(link: string): WireEffect[] {
    const effects: WireEffect[] = [];
    for (const direction of ['up', 'down'] as const) {
      const stopped = this.#stopped.get(keyOf(link, direction));
      if (stopped === undefined) continue;
      this.#stopped.delete(keyOf(link, direction));
      effects.push({ kind: 'done', id: stopped.hold.id, decision: 'drop' });
    }
    return effects;
  }

  /** Not wanted any more: disarmed, or delivered. */
  forget(id: string): WireEffect[] {
    this.#armed.delete(id);
    return this.decide(id, 'deliver');
  }

  #behind(stopped: Stopped, link: string, direction: Direction, line: string): WireEffect[] {
    if (isHealth(typeOf(line)) && !isHealth(stopped.hold.type))
      return [{ kind: 'send', link, direction, lines: [line] }];
    stopped.behind.push(line);
    return stopped.isSwapping ? this.decide(stopped.hold.id, 'reorder') : [];
  }
}

/** What goes now, whatever else is armed, and what comes behind. */
function order({ line, behind }: Stopped, decision: Decision): { first: string[]; rest: string[] } {
  switch (decision) {
    case 'deliver':
      return { first: [line], rest: behind };
    case 'drop':
      return { first: [], rest: behind };
    case 'duplicate':
      return { first: [line, line], rest: behind };
    case 'reorder':
      return { first: [...behind.slice(0, 1), line], rest: behind.slice(1) };
  }
}

/** `execution_request` of `type: execution_request ~ message_id: 30001 ~ …`; empty when it shows none. */
export function typeOf(line: string): string {
  return /^type: ([a-z_]+)/.exec(line)?.[1] ?? '';
}

const HEALTH_TYPES: ReadonlySet<string> = new Set<MessageType>([
  'agent_health_control_request',
  'agent_health_control_response',
  'service_instance_health_request',
  'service_instance_health_response',
]);

function isHealth(type: string | null): boolean {
  return type !== null && HEALTH_TYPES.has(type);
}

function matches(hold: HoldRequest, link: string, direction: Direction, type: string): boolean {
  if (hold.direction !== direction || (hold.links !== null && !hold.links.includes(link))) return false;
  return hold.type === null ? !isHealth(type) : hold.type === type;
}

function keyOf(link: string, direction: Direction): string {
  return `${link}\n${direction}`;
}
