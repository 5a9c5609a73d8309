/** Help for tests of the DNS: queries as bytes, and asking over UDP and TCP without a resolver in between. */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { encode, type Answer, type DecodedPacket, type OptAnswer, type RecordType } from 'dns-packet';

export const QUERY_ID = 0x1234;

/** A query of class IN that asks for recursion. */
export function queryBytes(name: string, type: string, additionals: Answer[] = []): Buffer {
  return encode({ id: QUERY_ID, flags: 0x100, questions: [{ name, type: type as RecordType }], additionals });
}

export function edns(udpPayloadSize: number, ednsVersion = 0): OptAnswer {
  const rest = { extendedRcode: 0, flags: 0, flag_do: false, options: [] };
  return { type: 'OPT', name: '.', udpPayloadSize, ednsVersion, ...rest };
}

/** The response code: 0 NOERROR, 1 FORMERR, 3 NXDOMAIN, 4 NOTIMP, 5 REFUSED. */
export function codeOf(packet: DecodedPacket): number {
  return (packet.flags ?? 0) & 15;
}

/** The first datagram that comes back; null when none does within `withinMs`. */
export function askUdp(address: string, port: number, query: Buffer, withinMs = 2_000): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const end = (answer: Buffer | null): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(null), withinMs);
    socket.once('error', reject);
    socket.on('message', end);
    socket.send(query, port, address);
  });
}

/** A TCP connection: whole messages that came, without their lengths, and whether it was closed. */
export class TcpAsker {
  readonly socket: Socket;
  readonly messages: Buffer[] = [];
  isClosed = false;
  private held: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.held = Buffer.concat([this.held, bytes]);
      while (this.held.length >= 2 && this.held.length >= 2 + this.held.readUInt16BE(0)) {
        const end = 2 + this.held.readUInt16BE(0);
        this.messages.push(this.held.subarray(2, end));
        this.held = this.held.subarray(end);
      }
    });
    socket.on('error', () => undefined); // that it was cut shows in isClosed
    socket.on('close', () => (this.isClosed = true));
  }

  static connect(address: string, port: number): Promise<TcpAsker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new TcpAsker(socket));
      });
    });
  }
}

/** A message with its length before it, as it goes over TCP. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
