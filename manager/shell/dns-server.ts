/**
 * The Manager's DNS: UDP and TCP on the same port of its address (55557).
 *
 * Lives here: sockets, their limits and time-outs. Does not live here: what is answered (manager/core/dns.ts), packets
 * (dns-wire.ts).
 *
 * Over UDP a packet is a message. Over TCP two bytes with its length go before each, and several may be under way. Who
 * connects and says nothing, or too slowly, is closed; when too many are connected, the one that has been silent
 * longest goes, so that idle connections keep nobody out.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { answerQuestion, newRotation, type DnsZone } from '../core/dns.ts';
import { answerPacket, HEADER_BYTES, QUERY_BYTES_MAX, type Resolve } from './dns-wire.ts';

/** TCP connections at most. */
export const CONNECTIONS_MAX = 128;
/** A TCP connection that has not said a whole message for so long is closed. */
export const SILENT_MS = 10_000;
/** Bytes of answers that wait for somebody who asks and does not read; beyond it he is closed. */
export const UNREAD_BYTES_MAX = 64 * 1024;
const LENGTH_BYTES = 2;

export interface DnsServerOptions {
  readonly address: string;
  readonly port: number;
  /** Factor on SILENT_MS. */
  readonly timerScale: number;
  /** The names as they are now. */
  zone(): DnsZone | null;
  /** Something went wrong that stops nobody: a port has trouble, an answer could not be made. */
  troubled(error: Error): void;
}

export class DnsServer {
  private readonly options: DnsServerOptions;
  private readonly udp: UdpSocket;
  private readonly tcp: Server;
  /** With the timer of each, the one that was silent longest first. */
  private readonly connections = new Map<Socket, NodeJS.Timeout>();
  private readonly resolve: Resolve;
  private isStopped = false;

  constructor(options: DnsServerOptions) {
    this.options = options;
    const rotation = newRotation();
    this.resolve = (name, type) => answerQuestion(options.zone(), name, type, rotation);
    this.udp = createSocket(options.address.includes(':') ? 'udp6' : 'udp4');
    this.udp.on('message', (query, from) => {
      const answer = this.answer(query, 'udp');
      if (answer === null || from.port === 0) return;
      // An answer that cannot leave (no way back to the address) is one that was lost: the asker asks again.
      this.udp.send(answer, from.port, from.address, () => undefined);
    });
    this.tcp = createServer((socket) => this.accept(socket));
  }

  /** TCP connections. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /** Rejects when the port cannot be had, over UDP or TCP; then neither listens. */
  async listen(): Promise<void> {
    const { address, port } = this.options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.udp.once('error', reject);
        this.udp.bind({ address, port, exclusive: true }, () => settle(this.udp, reject, resolve));
      });
      await new Promise<void>((resolve, reject) => {
        this.tcp.once('error', reject);
        this.tcp.listen({ host: address, port, exclusive: true }, () => settle(this.tcp, reject, resolve));
      });
    } catch (error) {
      this.stop();
      throw error;
    }
    this.udp.on('error', (error) => this.options.troubled(error));
    this.tcp.on('error', (error) => this.options.troubled(error));
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.udp.close();
    this.tcp.close();
    for (const socket of [...this.connections.keys()]) this.drop(socket);
  }

  private answer(query: Buffer, transport: 'udp' | 'tcp'): Buffer | null {
    try {
      return answerPacket(query, transport, this.resolve);
    } catch (error) {
      // An answer that cannot be written is a bug; users of other names should not notice.
      this.options.troubled(error as Error);
      return null;
    }
  }

  private accept(socket: Socket): void {
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', () => socket.destroy()); // it went away
    socket.on('close', () => this.forget(socket));
    socket.on('data', (bytes: Buffer) => {
      held = this.read(socket, held.length === 0 ? bytes : Buffer.concat([held, bytes]));
    });
    this.watch(socket);
    for (const oldest of this.connections.keys()) {
      if (this.connections.size <= CONNECTIONS_MAX) break;
      this.drop(oldest);
    }
  }

  /** Answers all whole messages; what is left of the next one comes back. */
  private read(socket: Socket, bytes: Buffer): Buffer {
    const answers: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt16BE(at);
      // Nobody asks so; and where a length is wrong, all that follows is.
      if (length < HEADER_BYTES || length > QUERY_BYTES_MAX) {
        this.drop(socket);
        return Buffer.alloc(0);
      }
      const end = at + LENGTH_BYTES + length;
      if (end > bytes.length) break;
      const answer = this.answer(bytes.subarray(at + LENGTH_BYTES, end), 'tcp');
      at = end;
      if (answer !== null) answers.push(lengthOf(answer), answer);
    }
    if (at > 0) this.watch(socket);
    if (answers.length > 0) socket.write(Buffer.concat(answers));
    if (socket.writableLength > UNREAD_BYTES_MAX) this.drop(socket);
    return at === 0 ? bytes : Buffer.from(bytes.subarray(at));
  }

  /** From now on it has SILENT_MS for its next message. */
  private watch(socket: Socket): void {
    this.forget(socket);
    this.connections.set(
      socket,
      setTimeout(() => this.drop(socket), SILENT_MS * this.options.timerScale),
    );
  }

  private forget(socket: Socket): void {
    clearTimeout(this.connections.get(socket));
    this.connections.delete(socket);
  }

  private drop(socket: Socket): void {
    this.forget(socket);
    socket.destroy();
  }
}

function settle(from: UdpSocket | Server, reject: (error: Error) => void, resolve: () => void): void {
  (from as Server).off('error', reject);
  resolve();
}

function lengthOf(message: Buffer): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt16BE(message.length);
  return bytes;
}
