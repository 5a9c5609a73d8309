/**
 * The connection to the agent of the instance's node.
 *
 * Lives here: connecting and handing lines on. Does not live here: when (core/dialogues/agent-link.ts).
 */
import { connect, type Socket } from 'node:net';
import { openConnection, type Connection } from '../../../ssmmp/shell/connection.ts';

/** The last message has so many milliseconds to leave. */
const FAREWELL_MS = 500;

export interface AgentLinkEvents {
  connected(): void;
  line(line: string): void;
  oversized(): void;
  /** After `connected`, or instead of it. */
  closed(why: string): void;
}

export class AgentLink {
  private readonly address: string;
  private readonly port: number;
  private readonly events: AgentLinkEvents;
  private socket: Socket | null = null;
  private connection: Connection | null = null;
  private ended = false;

  /** The agent is at the instance's own address (R16). */
  constructor(address: string, port: number, events: AgentLinkEvents) {
    this.address = address;
    this.port = port;
    this.events = events;
  }

  connect(): void {
    const socket = connect({ host: this.address, port: this.port, localAddress: this.address });
    const refused = (error: Error): void => this.events.closed(error.message);
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      this.socket = socket;
      this.connection = openConnection(socket, {
        line: (line) => this.events.line(line),
        oversized: () => this.events.oversized(),
        closed: (why) => {
          this.connection = null;
          if (!this.ended) this.events.closed(why);
        },
      });
      this.events.connected();
    });
  }

  send(line: string): void {
    this.connection?.send(line);
  }

  destroy(): void {
    this.connection?.destroy();
  }

  /** Sends what was written; calls back when the kernel has it, or at once without a connection. Nothing follows. */
  end(done: () => void): void {
    if (this.connection === null || this.socket === null) return done();
    this.ended = true;
    this.socket.once('finish', done);
    this.connection.end();
    // An agent that is stopped does not read; its instance ends all the same.
    setTimeout(done, FAREWELL_MS);
  }
}
