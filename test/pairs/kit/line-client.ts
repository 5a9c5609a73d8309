/** A connection that writes what a test says and hands out the lines that come back. */
import { connect, type Socket } from 'node:net';

const WAIT_MS = 5000;

export class LineClient {
  readonly socket: Socket;
  readonly lines: string[] = [];
  closed = false;
  /** The other end has closed its side. */
  ended = false;
  private taken = 0;
  private held = '';
  private wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const lines = (this.held + chunk).split('\n');
      this.held = lines.pop() as string;
      this.lines.push(...lines);
      this.wakeAll();
    });
    socket.on('end', () => {
      this.ended = true;
      this.wakeAll();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wakeAll();
    });
  }

  static connect(address: string, port: number): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new LineClient(socket)));
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next line. */
  async line(): Promise<string> {
    await this.until('a line', () => this.lines.length > this.taken || this.closed);
    const line = this.lines[this.taken];
    if (line === undefined) throw new Error('the connection was closed instead of a line');
    this.taken += 1;
    return line;
  }

  /** Waits until the other end has closed. */
  async untilClosed(): Promise<void> {
    await this.until('the end of the connection', () => this.ended || this.closed);
    this.socket.end();
  }

  private wakeAll(): void {
    for (const wake of this.wake.splice(0)) wake();
  }

  private async until(what: string, holds: () => boolean): Promise<void> {
    const end = performance.now() + WAIT_MS;
    while (!holds()) {
      const left = end - performance.now();
      if (left <= 0) throw new Error(`there was not ${what} within ${WAIT_MS} ms`);
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
