/**
 * Asking the Manager whether it lives: GET /livez on its operator port, on one kept connection.
 *
 * Lives here: the question, the answer, and the word that the connection broke. Does not live here: what a silence means
 * (supervisor/core). The event loop of the Manager must turn to answer, so one that was stopped or is stuck does not.
 *
 * Plain HTTP over a socket, without Node's client: the same words each time, and a supervisor should cost next to nothing.
 */
import { connect, type Socket } from 'node:net';
import { joinAddressPort } from '../../ssmmp/core/address.ts';

/** How an answer begins that counts. */
const FINE = 'HTTP/1.1 200';

export class Pulse {
  readonly #place: { readonly host: string; readonly port: number };
  readonly #question: string;
  readonly #broken: () => void;
  #socket: Socket | null = null;
  #answered: () => void = () => undefined;

  /** `broken` is called when a connection to the Manager ends: it may have died. */
  constructor(operator: { readonly address: string; readonly port: number }, broken: () => void) {
    const { address, port } = operator;
    this.#place = { host: address, port };
    this.#question = `GET /livez HTTP/1.1\r\nhost: ${joinAddressPort(address, port)}\r\nconnection: keep-alive\r\n\r\n`;
    this.#broken = broken;
  }

  /** Calls `answered` if the Manager answers 200; late is as good as soon, and nothing is silence. */
  ask(answered: () => void): void {
    this.#answered = answered;
    this.#socket ??= this.#open();
    this.#socket.write(this.#question);
  }

  /** A new Manager: the connection to the one before is of no use. */
  forget(): void {
    this.#answered = () => undefined;
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Socket {
    const socket = connect({ ...this.#place, noDelay: true });
    socket.setEncoding('latin1').on('data', (text: unknown) => {
      if (socket === this.#socket && String(text).includes(FINE)) this.#answered();
    });
    // Refused or reset: silence, which the core counts.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      if (socket === this.#socket) this.#socket = null;
      this.#broken();
    });
    return socket;
  }
}
