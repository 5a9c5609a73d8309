/**
 * The Manager that an agent under test talks to: it says what the check wants said, and keeps all that it hears.
 *
 * Lives here: the listener on port 55555, waiting for a message, barriers. Does not live here: any decision; a real Manager is in
 * manager/.
 */
import type { Socket } from 'node:net';
import { until } from '../../runner/shell/until.ts';
import { Unmet } from '../../runner/api.ts';
import { LineServer } from './line-server.ts';
import { differenceOf, hear, linesOf, say, valueOf } from './wire.ts';
import type { Fields, Heard } from './wire.ts';

export const MANAGER_PORT = 55_555;
const ANSWER_MS = 5_000;
/** How many of the last messages a failure shows. */
const SHOWN = 8;

export class FakeManager {
  /** All that was heard and said on the link, in order, for failures. */
  readonly transcript: string[] = [];
  readonly address: string;
  readonly #heard: Heard[] = [];
  readonly #taken = new Set<Heard>();
  #server: LineServer | null = null;
  #socket: Socket | null = null;
  #nextId = 30_000;
  readonly #startedAt = performance.now();
  /** How many connections an agent has opened so far. */
  connections = 0;

  constructor(address: string) {
    this.address = address;
  }

  async listen(): Promise<void> {
    this.#server = await LineServer.listen(this.address, MANAGER_PORT, {
      onOpen: (socket) => {
        this.connections += 1;
        this.#socket = socket;
      },
      onLine: (line) => {
        this.transcript.push(`agent → Manager  ${line}`);
        this.#heard.push(hear(line, performance.now() - this.#startedAt));
      },
    });
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  /** A number for an exchange of the Manager's own. */
  id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Says a message to the agent. Throws Unmet when there is no connection. */
  say(text: string): void {
    if (this.#socket === null || this.#socket.destroyed)
      throw new Unmet({ expected: 'a connection from your agent', came: 'there is none', page: REGISTRATION_PAGE });
    this.transcript.push(`Manager → agent  ${text.trimEnd()}`);
    this.#socket.write(Buffer.from(text, 'latin1'));
  }

  /** Breaks the connection without a word. */
  breakLink(): void {
    this.transcript.push('Manager breaks the connection');
    this.#socket?.destroy();
  }

  /** Waits for the first message that `is` true of and that was not waited for before. Throws Unmet with the transcript. */
  async next(what: string, is: (heard: Heard) => boolean, deadlineMs = ANSWER_MS): Promise<Heard> {
    const find = (): Heard | undefined => this.#heard.find((heard) => !this.#taken.has(heard) && is(heard));
    const heard = await until(what, find, deadlineMs).catch(() => null);
    if (heard === null)
      throw new Unmet({
        expected: `${what}, within ${deadlineMs / 1000} s`,
        came: `it did not come; the last messages were\n${this.tail()}`,
      });
    this.#taken.add(heard);
    return heard;
  }

  /** The answer to an exchange: its type, its id. */
  answer(type: string, id: number | string): Promise<Heard> {
    return this.next(`${type} with message_id ${id}`, (heard) => heard.type === type && heard.id === String(id));
  }

  /** Waits for exactly this message, as `say` writes it. */
  async exactly(text: string): Promise<void> {
    const wanted = hear(text.trimEnd(), 0);
    const heard = await this.answer(wanted.type, wanted.id);
    mustBe(heard, linesOf(text), this.tail());
  }

  /** Has such a message come by now that nobody waited for? */
  peek(is: (heard: Heard) => boolean): Heard | null {
    return this.#heard.find((heard) => !this.#taken.has(heard) && is(heard)) ?? null;
  }

  /**
   * Returns when the agent has done all that was asked before: it answers a health request of its own, and an agent works off
   * its link in order. So a check can tell "not yet" from "late" without sleeping.
   */
  async barrier(agent: string): Promise<void> {
    const id = this.id();
    this.say(say('agent_health_control_request', id, 'Manager_to_agent', { agent_network_address: agent }));
    await this.answer('agent_health_control_response', id);
  }

  /** A request of the Manager's with a fresh id; gives the id. */
  ask(type: string, fields: Fields): number {
    const id = this.id();
    this.say(say(type, id, HAS_NO_HOP.has(type) ? '' : 'Manager_to_agent', fields));
    return id;
  }

  tail(): string {
    return (
      this.transcript
        .slice(-SHOWN)
        .map((line) => `  ${line}`)
        .join('\n') || '  (none)'
    );
  }
}

const HAS_NO_HOP = new Set(['execution_request']);
const REGISTRATION_PAGE = 'docs/protocol.md';

/** Throws Unmet unless a message is exactly these lines. */
export function mustBe(heard: Heard, lines: readonly (readonly [string, string | null])[], tail: string): void {
  const difference = differenceOf(heard, lines);
  if (difference === null) return;
  const expected = lines.map(([name, contents]) => `${name}: ${contents ?? '…'}`).join(' ~ ');
  throw new Unmet({ expected, came: heard.text, remark: `${difference}. The last messages were\n${tail}` });
}

/** Throws Unmet unless a response has this status. */
export function mustHaveStatus(heard: Heard, status: number, because: string, tail: string): void {
  if (valueOf(heard, 'status') === String(status)) return;
  throw new Unmet({
    expected: `${heard.type} with status ${status}: ${because}`,
    came: heard.text,
    remark: `The last messages were\n${tail}`,
  });
}
