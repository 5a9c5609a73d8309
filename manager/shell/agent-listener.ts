/**
 * The port for agents (55555).
 *
 * Lives here: accepting, numbering and bounding connections. Does not live here: what a line means (the core), when
 * a connection must go for what it said (the core's `close`), what strangers may do (strangers.ts).
 *
 * Connections are numbered upwards for the life of the cluster, so that a journal names each of them once.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { openConnection, type Connection } from '../../ssmmp/shell/connection.ts';
import type { Unstamped } from '../../ssmmp/shell/driver.ts';
import type { ManagerInput } from '../core/inputs.ts';
import { Strangers } from './strangers.ts';

/** Connections at most, registered or not. */
export const CONNECTIONS_MAX = 8192;
/** Connections the system holds for us while we are busy. */
const BACKLOG = 1024;

export interface AgentListenerOptions {
  readonly address: string;
  readonly port: number;
  /** Highest connection number ever used. */
  readonly lastConnection: number;
  /** An agent says its initiation_request at once; a connection that has not registered after this is closed. */
  readonly unregisteredMs: number;
  input(input: Unstamped<ManagerInput>): void;
  /** Does the core still want what this connection says? */
  isWanted(connection: number): boolean;
  isRegistered(connection: number): boolean;
  /** For the counts: a line came in. */
  received(connection: number, line: string): void;
  /** The port itself has trouble, such as too many open files; it goes on listening. */
  troubled(error: Error): void;
}

export class AgentListener {
  private readonly options: AgentListenerOptions;
  private readonly server: Server;
  private readonly connections = new Map<number, Connection>();
  private readonly strangers: Strangers;
  private lastConnection: number;
  private isPaused = false;

  constructor(options: AgentListenerOptions) {
    this.options = options;
    this.lastConnection = options.lastConnection;
    this.strangers = new Strangers({
      unregisteredMs: options.unregisteredMs,
      isRegistered: (id) => options.isRegistered(id),
      drop: (id) => this.connections.get(id)?.destroy(),
      hold: (id) => this.readOrNot(id),
    });
    this.server = createServer({ pauseOnConnect: false }, (socket) => this.accept(socket));
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  get size(): number {
    return this.connections.size;
  }

  /** Rejects when the port cannot be had. */
  listen(): Promise<void> {
    const { address, port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: address, port, backlog: BACKLOG }, () => {
        this.server.off('error', reject);
        this.server.on('error', (error) => this.options.troubled(error));
        resolve();
      });
    });
  }

  /** A connection that is gone swallows it. */
  send(connection: number, line: string): void {
    this.connections.get(connection)?.send(line);
  }

  close(connection: number): void {
    this.connections.get(connection)?.end();
  }

  /** Stops or goes on reading from everybody: the disk is behind, or has caught up. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    for (const id of this.connections.keys()) this.readOrNot(id);
  }

  /** Accepts nobody any more and closes all connections; what was sent leaves first. */
  stop(): void {
    this.server.close();
    this.strangers.stop();
    for (const connection of this.connections.values()) connection.destroy();
  }

  private accept(socket: Socket): void {
    const { input, isWanted, received } = this.options;
    const id = (this.lastConnection += 1);
    const connection = openConnection(socket, {
      line: (line) => {
        if (!isWanted(id)) return;
        received(id, line);
        this.strangers.said(id, line.length);
        input({ kind: 'line_received', connection: id, line });
      },
      oversized: () => {
        if (isWanted(id)) input({ kind: 'oversized_received', connection: id });
        connection.pause();
      },
      closed: (why) => {
        this.connections.delete(id);
        this.strangers.remove(id);
        input({ kind: 'connection_closed', connection: id, why });
      },
    });
    this.connections.set(id, connection);
    input({ kind: 'connection_opened', connection: id, address: connection.remoteAddress });
    this.strangers.add(id);
    this.readOrNot(id);
  }

  /** One that is not to be read from for two reasons is read from when both are over. */
  private readOrNot(id: number): void {
    const connection = this.connections.get(id);
    if (this.isPaused || this.strangers.isHeld(id)) connection?.pause();
    else connection?.resume();
  }
}
