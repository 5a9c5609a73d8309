/**
 * Listening, and reading lines from whoever connects.
 *
 * Lives here: that. Does not live here: what a line means.
 */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

export interface LineEvents {
  onOpen?(socket: Socket): void;
  onLine(line: string, socket: Socket): void;
  onClose?(socket: Socket): void;
}

export class LineServer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Port 0: a free one. Rejects where the port is taken. */
  static listen(host: string, port: number, events: LineEvents): Promise<LineServer> {
    const server = createServer();
    const lineServer = new LineServer(server);
    server.on('connection', (socket) => lineServer.#welcome(socket, events));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve(lineServer));
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connections(): readonly Socket[] {
    return [...this.#open];
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #welcome(socket: Socket, events: LineEvents): void {
    this.#open.add(socket);
    events.onOpen?.(socket);
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) events.onLine(part, socket);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#open.delete(socket);
      events.onClose?.(socket);
    });
  }
}
