/**
 * The agent's connections: the instances' port, and the link to the Manager.
 *
 * Lives here: listening, connecting, and the numbers by which the core knows connections. Does not live here:
 * who is on one, when to connect.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isHealthAnswer, isHealthLine } from '../../ssmmp/core/exchange.ts';
import { openConnection, type Connection } from '../../ssmmp/shell/connection.ts';

/** What the machine is told about connections; each becomes an input. */
export interface ConnectionInputs {
  opened(connection: number, address: string): void;
  managerConnected(connection: number): void;
  managerUnreached(why: string): void;
  line(connection: number, line: string): void;
  oversized(connection: number): void;
  closed(connection: number, why: string): void;
}

/** The Manager is not there when it does not accept within this time. */
const CONNECT_MS = 2000;
/** Our end of the link takes a port below those that the Manager gives to sockets (R22). */
const LOCAL_PORTS = { first: 20000, count: 12000 };
const LOCAL_PORT_TRIES = 5;
/** A dead machine at the other end is noticed by TCP after about this. */
const KEEPALIVE_MS = 10_000;

export class Connections {
  readonly #inputs: ConnectionInputs;
  readonly #open = new Map<number, Connection>();
  /** Where a health request went and has no answer yet. */
  readonly #asked = new Set<number>();
  readonly #isAnswerComing = (): boolean => this.#asked.size > 0;
  #last = 0;
  #server: Server | null = null;

  constructor(inputs: ConnectionInputs) {
    this.#inputs = inputs;
  }

  /** Listens for instances. Rejects when the port is taken or the address is not this machine's. */
  async listen(address: string, port: number): Promise<void> {
    const server = createServer((socket) => {
      const id = this.#take(socket);
      const connection = this.#open.get(id);
      if (connection !== undefined) this.#inputs.opened(id, connection.remoteAddress);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, exclusive: true }, resolve);
    });
    // From here on errors are of single accepts (no file descriptor left): that peer is gone, others go on.
    server.removeAllListeners('error').on('error', () => undefined);
    this.#server = server;
  }

  /** Connects to the Manager from the node's own address (R17). */
  connectManager(
    from: string,
    to: { readonly address: string; readonly port: number },
    tries = LOCAL_PORT_TRIES,
  ): void {
    const socket = connect({
      host: to.address,
      port: to.port,
      localAddress: from,
      localPort: LOCAL_PORTS.first + Math.floor(Math.random() * LOCAL_PORTS.count),
      timeout: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
    });
    const failed = (error: NodeJS.ErrnoException): void => {
      socket.destroy();
      if (error.code === 'EADDRINUSE' && tries > 1) this.connectManager(from, to, tries - 1);
      else this.#inputs.managerUnreached(error.message);
    };
    socket.once('error', failed);
    socket.once('timeout', () => failed(new Error(`no answer within ${CONNECT_MS} ms`)));
    socket.once('connect', () => {
      socket.off('error', failed).removeAllListeners('timeout').setTimeout(0);
      this.#inputs.managerConnected(this.#take(socket));
    });
  }

  /** Breaks a connection at once, as a broken cable would. */
  destroy(id: number): void {
    this.#open.get(id)?.destroy();
  }

  /** Answers to health requests travel together, the agent's own and one of each instance; those that are late do not keep the rest. */
  send(id: number, line: string): void {
    const connection = this.#open.get(id);
    if (isHealthAnswer(line)) return connection?.sendSoon(line, this.#isAnswerComing);
    if (connection !== undefined && isHealthLine(line)) this.#asked.add(id);
    connection?.send(line);
  }

  close(id: number): void {
    this.#open.get(id)?.end();
  }

  /** Accepts nobody any more; resolves when every connection is closed, or after `mostMs`. */
  async shut(mostMs: number): Promise<void> {
    this.#server?.close();
    for (const connection of this.#open.values()) connection.end();
    const deadline = performance.now() + mostMs;
    while (this.#open.size > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  }

  #take(socket: Socket): number {
    const id = (this.#last += 1);
    const connection = openConnection(socket, {
      line: (line) => {
        if (isHealthAnswer(line)) this.#asked.delete(id);
        this.#inputs.line(id, line);
      },
      oversized: () => this.#inputs.oversized(id),
      closed: (why) => {
        this.#open.delete(id);
        this.#asked.delete(id);
        this.#inputs.closed(id, why);
      },
    });
    this.#open.set(id, connection);
    return id;
  }
}
