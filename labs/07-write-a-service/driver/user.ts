/**
 * A user of likes: one connection to the gateway, requests that are sent again where cnapp.md allows it.
 *
 * Lives here: the wire of the user. Does not live here: how much is liked (load.ts), what is expected (../check.ts).
 *
 * Sent again is what was answered 503 or 504, and what was under way when the connection broke: operations are safe to send twice.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCount, encodeLike, COUNT_REQUEST, LIKE_REQUEST } from '../given/likes-protocol.ts';
import type { Like } from '../given/likes-protocol.ts';

/** A request that is not answered for good after so long has failed. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 50;

export interface Answered {
  /** 0: no answer. */
  readonly status: number;
  /** The line that came. */
  readonly line: string;
}

export class User {
  readonly #host: string;
  readonly #port: number;
  readonly #waiting = new Map<number, (line: string | null) => void>();
  #socket: Socket | null = null;
  #id = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Sent again until it is done or refused for good. */
  like(like: Like): Promise<Answered> {
    return this.#until(LIKE_REQUEST, encodeLike(like));
  }

  async count(post: string): Promise<number> {
    const { status, line } = await this.#until(COUNT_REQUEST, encodeCount({ post }));
    const [, count] = / ~ Line_3: (\d+)/.exec(line) ?? [];
    return status === 200 && count !== undefined ? Number(count) : NaN;
  }

  /** Sent once. */
  async once(type: string, rest: string): Promise<Answered> {
    const line = (await this.#send(type, rest)) ?? 'the connection broke';
    return { status: Number(/ ~ Status: (\d{3})/.exec(line)?.[1] ?? 0), line };
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #until(type: string, rest: string): Promise<Answered> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const answered = await this.once(type, rest);
      const isFinal = ![0, 503, 504].includes(answered.status);
      if (isFinal || performance.now() > end) return answered;
      await sleep(AGAIN_MS);
    }
  }

  #send(type: string, rest: string): Promise<string | null> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#connected().write(`Type: ${type} ~ Message_id: ${id}${rest}\n`);
    });
  }

  #connected(): Socket {
    if (this.#socket !== null) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    let held = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const lines = (held + piece).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) this.#answer(Number(/ ~ Message_id: (\d+)/.exec(line)?.[1] ?? 0), line);
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      for (const id of [...this.#waiting.keys()]) this.#answer(id, null);
    });
    return socket;
  }

  #answer(id: number, line: string | null): void {
    this.#waiting.get(id)?.(line);
    this.#waiting.delete(id);
  }
}
