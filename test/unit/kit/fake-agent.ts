/**
 * An agent that does what a test says: a TCP listener that instances connect to.
 *
 * Lives here: connections of instances, their messages, waiting for one. Does not live here: any rule; a test writes
 * down each message it sends, so that it shows what the wire carries.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Message, MessageType } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';

/** A message that does not come within this time, in milliseconds, does not come. */
export const WAIT_MS = 5000;

type Typed<T extends MessageType> = Extract<Message, { type: T }>;

export class AgentConnection {
  readonly received: Message[] = [];
  readonly lines: string[] = [];
  closed = false;
  private readonly socket: Socket;
  private cursor = 0;
  private wake: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    let held = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const lines = (held + chunk).split('\n');
      held = lines.pop() as string;
      for (const line of lines) this.take(line);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wakeAll();
    });
  }

  send(message: Message): void {
    this.socket.write(`${encode(message)}\n`);
  }

  sendLine(line: string): void {
    this.socket.write(`${line}\n`);
  }

  close(): void {
    this.socket.destroy();
  }

  /** The next message of this type that has not been taken yet; those before it are passed over. */
  async next<T extends MessageType>(type: T, waitMs = WAIT_MS): Promise<Typed<T>> {
    const found = await this.until(() => {
      for (let at = this.cursor; at < this.received.length; at += 1)
        if (this.received[at]?.type === type) {
          this.cursor = at + 1;
          return this.received[at];
        }
      return undefined;
    }, waitMs);
    if (found === undefined)
      throw new Error(`no ${type}; came: ${this.lines.join('\n') || 'nothing'}${this.closed ? ' (closed)' : ''}`);
    return found as Typed<T>;
  }

  async untilClosed(waitMs = WAIT_MS): Promise<void> {
    const closed = await this.until(() => (this.closed ? true : undefined), waitMs, false);
    if (closed !== true) throw new Error('the instance did not close the connection');
  }

  private take(line: string): void {
    const decoded = decode(line);
    if (!decoded.ok) throw new Error(`an instance sent what cannot be read: ${line}: ${decoded.problem}`);
    this.lines.push(line);
    this.received.push(decoded.message);
    this.wakeAll();
  }

  private wakeAll(): void {
    const { wake } = this;
    this.wake = [];
    for (const go of wake) go();
  }

  private async until<V>(look: () => V | undefined, waitMs: number, stopWhenClosed = true): Promise<V | undefined> {
    const end = performance.now() + waitMs;
    for (;;) {
      const value = look();
      const left = end - performance.now();
      if (value !== undefined || left <= 0 || (stopWhenClosed && this.closed)) return value;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

export class FakeAgent {
  readonly connections: AgentConnection[] = [];
  readonly port: number;
  private readonly server: Server;
  private waiting: ((connection: AgentConnection) => void)[] = [];
  private cursor = 0;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
    server.on('connection', (socket) => {
      const connection = new AgentConnection(socket);
      this.connections.push(connection);
      const waiter = this.waiting.shift();
      if (waiter !== undefined) {
        this.cursor += 1;
        waiter(connection);
      }
    });
  }

  static listen(address: string, port: number): Promise<FakeAgent> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true });
      server.once('error', reject);
      server.listen({ host: address, port }, () => resolve(new FakeAgent(server, port)));
    });
  }

  /** The next connection that has not been taken yet. */
  accept(waitMs = WAIT_MS): Promise<AgentConnection> {
    const ready = this.connections[this.cursor];
    if (ready !== undefined) {
      this.cursor += 1;
      return Promise.resolve(ready);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no instance connected')), waitMs);
      this.waiting.push((connection) => {
        clearTimeout(timer);
        resolve(connection);
      });
    });
  }

  close(): Promise<void> {
    for (const connection of this.connections) connection.close();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
