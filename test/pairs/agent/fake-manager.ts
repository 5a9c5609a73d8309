// A Manager made of a TCP port and the test's script. What may not be here: anything of manager/.
import { createServer, type Server, type Socket } from 'node:net';
import type { Message, MessageType } from '../../../ssmmp/core/catalog.ts';
import { decode, encode } from '../../../ssmmp/core/codec.ts';

/** How long anything may take in these tests. */
const WAIT_MS = 8000;

/** Waits for a condition; the error says which. */
export async function until<T>(what: string, find: () => T | null | undefined | false, ms = WAIT_MS): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = find();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class FakeManager {
  readonly address: string;
  /** Every message that came, with its connection's number. */
  readonly received: { readonly connection: number; readonly message: Message; readonly line: string }[] = [];
  /** Status that registrations get; null for no answer. */
  registration: number | null = 200;
  /** The connection of the last registration. */
  peer: Socket | null = null;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private taken = new Set<Message>();
  private connections = 0;
  private messageId = 30000;

  private constructor(address: string) {
    this.address = address;
    this.server = createServer((socket) => this.accept(socket));
  }

  static async listen(address: string): Promise<FakeManager> {
    const manager = new FakeManager(address);
    await new Promise<void>((resolve, reject) => manager.server.once('error', reject).listen(55555, address, resolve));
    return manager;
  }

  /** Waits for a registration that was not waited for yet, and is answered. */
  async registered(): Promise<Message<'initiation_request'>> {
    return this.next('initiation_request');
  }

  /** The next message of this type that was not taken yet. */
  async next<T extends MessageType>(
    type: T,
    matches: (message: Message<T>) => boolean = () => true,
    ms = WAIT_MS,
  ): Promise<Message<T>> {
    const found = await until(
      `a ${type}`,
      () =>
        this.received.find(
          ({ message }) => message.type === type && !this.taken.has(message) && matches(message as Message<T>),
        ),
      ms,
    );
    this.taken.add(found.message);
    return found.message as Message<T>;
  }

  /** Has such a message come, taken or not? */
  has(type: MessageType): boolean {
    return this.received.some(({ message }) => message.type === type);
  }

  send(message: Message): void {
    this.peer?.write(`${encode(message)}\n`);
  }

  id(): number {
    return (this.messageId += 1);
  }

  /** Asks for an instance; the answer is awaited by its id. */
  execute(address: string, service: string, id: number, more: Partial<Message<'execution_request'>> = {}): number {
    const message_id = this.id();
    this.send({
      type: 'execution_request',
      message_id,
      sub_type: null,
      agent_network_address: address,
      service_name: service,
      service_instance_id: id,
      socket_configuration: [],
      plug_configuration: [{ plug: 'P', socket: 'S', service: 'other' }],
      ...more,
    } as Message<'execution_request'>);
    return message_id;
  }

  async executed(message_id: number): Promise<Message<'execution_response'>> {
    return this.next('execution_response', (message) => message.message_id === message_id);
  }

  /** Closes all connections, and the port unless `keepPort`. */
  async close(keepPort = false): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!keepPort) await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    const connection = (this.connections += 1);
    this.sockets.add(socket);
    let held = '';
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (chunk: string) => {
      const lines = (held + chunk).split('\n');
      held = lines.pop() as string;
      for (const line of lines) {
        const decoded = decode(line);
        if (!decoded.ok) throw new Error(`the agent sent what cannot be read: ${line}`);
        const { message } = decoded;
        if (message.type === 'initiation_request' && this.registration !== null) {
          this.peer = socket;
          const { registration: status } = this;
          this.send({ type: 'initiation_response', message_id: message.message_id, sub_type: null, status });
        }
        this.received.push({ connection, message, line });
      }
    });
  }
}
