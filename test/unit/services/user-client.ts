/**
 * A user's client for tests: it sends what it is told, also what no client should send, and matches answers by id.
 */
import { createConnection, type Socket } from 'node:net';
import { formatLine, parseLine } from '../../../services/protocols/line.ts';
import * as user from '../../../services/protocols/user.ts';

/** An answer as it stands on the wire. */
export interface RawAnswer {
  readonly type: string;
  readonly id: number;
  readonly rest: string;
}

/** A user's client that sends what it is told, also what it should not, and matches answers by id. */
export class UserClient {
  readonly socket: Socket;
  /** Lines that answer no request of `ask`, in the order in which they came. */
  readonly lines: string[] = [];
  readonly #waiting = new Map<number, (answer: RawAnswer) => void>();
  #id = 0;
  #half = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {});
  }

  static open(host: string, port: number): Promise<UserClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host, port, noDelay: true });
      const client = new UserClient(socket);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  /** Sends a request by type and rest; resolves with its answer. */
  raw(type: string, rest: string): Promise<RawAnswer> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.socket.write(`${formatLine(type, id, rest)}\n`, 'latin1');
    });
  }

  async ask<N extends user.UserRequestName>(
    name: N,
    fields: user.UserRequestFields[N],
    operationId = '',
  ): Promise<user.UserAnswer<N>> {
    const answer = await this.raw(name, user.userRequest(name, fields, operationId));
    const read = user.parseUserAnswer(name, answer);
    if (typeof read === 'string') throw new Error(`${read}: ${answer.rest.slice(0, 200)}`);
    return read;
  }

  /** As `ask`, for what has to succeed. */
  async do<N extends user.UserRequestName>(
    name: N,
    fields: user.UserRequestFields[N],
    operationId = '',
  ): Promise<user.UserAnswers[N]> {
    const answer = await this.ask(name, fields, operationId);
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.message}`);
    return answer;
  }

  /** Registers and logs in; answers the token. */
  async newUser(name: string, password = 'a good password'): Promise<string> {
    await this.do('registration_request', { user: name, password });
    return (await this.do('login_request', { user: name, password })).token;
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next line that answers no request of `ask`. */
  async line(deadlineMs = 2000): Promise<string> {
    const until = performance.now() + deadlineMs;
    while (this.lines.length === 0) {
      if (performance.now() > until) throw new Error('no line came');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.lines.shift()!;
  }

  close(): void {
    this.socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#half + text).split('\n');
    this.#half = lines.pop()!;
    for (const line of lines) {
      const message = parseLine(line);
      const waiting = this.#waiting.get(message.id);
      if (waiting === undefined || 'error' in message) this.lines.push(line);
      else {
        this.#waiting.delete(message.id);
        waiting(message);
      }
    }
  }
}
