/**
 * Asking the Manager whether it lives: GET /livez on its operator port, on one kept connection.
 *
 * Lives here: the question, the answer, and the word that the connection broke. Does not live here: what a silence means
 * (supervisor/core). The event loop of the Manager must turn to answer, so one that was stopped or is stuck does not.
 */
import { Agent, get } from 'node:http';
import type { Socket } from 'node:net';

/** A question is given up after this; a later one may be answered. Longer than any pause that is none. */
const ANSWER_MS_MAX = 5_000;

export class Pulse {
  readonly #url: { readonly host: string; readonly port: number };
  readonly #broken: () => void;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4, keepAliveMsecs: 1_000 });
  readonly #known = new WeakSet<Socket>();

  /** `broken` is called when a connection to the Manager ends: it may have died. */
  constructor(operator: { readonly address: string; readonly port: number }, broken: () => void) {
    this.#url = { host: operator.address, port: operator.port };
    this.#broken = broken;
  }

  /** Calls `answered` if the Manager answers 200. */
  ask(answered: () => void): void {
    const request = get({ ...this.#url, path: '/livez', agent: this.#agent, timeout: ANSWER_MS_MAX }, (response) => {
      response.resume();
      if (response.statusCode === 200) answered();
    });
    request.on('timeout', () => request.destroy());
    // Refused, reset, no answer: silence, which the core counts.
    request.on('error', () => undefined);
    request.on('socket', (socket) => {
      if (this.#known.has(socket)) return;
      this.#known.add(socket);
      socket.once('close', () => this.#broken());
    });
  }

  /** A new Manager: connections to the one before are of no use. */
  forget(): void {
    this.#agent.destroy();
  }
}
