/**
 * One link under a fault: a small TCP proxy.
 *
 * Lives here: connections in pairs, chunks that wait for their time, cuts, resets. Does not live here: when a chunk is due
 * (core/shape.ts), whether a line is held (core/wire.ts), which links there are (link-host.ts).
 *
 * A cut keeps everything back and says nothing, as a cut cable does: what was sent meanwhile arrives after the heal, as TCP
 * would send it again. While a link is cut, nobody is connected to its far end.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Place } from '../core/link-words.ts';
import { arrivalMs, CLEAR, newPipe, nextResetMs, type LinkShape, type Pipe } from '../core/shape.ts';
import type { Direction } from '../core/wire.ts';

/** What waits in one direction; beyond it the sender is not read until some has left. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** A line that is longer passes in pieces, as it came. */
const LINE_BYTES_MAX = 128 * 1024;
const CONNECT_MS = 2000;

export interface LinkOptions {
  readonly listen: string;
  readonly to: Place;
  /** The address the far end sees (R17); null: whatever the system takes. */
  readonly from: string | null;
  /** Gives whole lines (without LF) here instead of passing them on; null: bytes pass as they come. */
  readonly onLine: ((direction: Direction, line: string) => void) | null;
  readonly onEnd: () => void;
  readonly draw: () => number;
}

/** One direction of one connection. */
interface Way {
  readonly pipe: Pipe;
  readonly waiting: { readonly bytes: Buffer; readonly dueMs: number }[];
  waitingBytes: number;
  /** The sender has said that it is done. */
  isEnded: boolean;
  partial: string;
  timer: NodeJS.Timeout | null;
}

interface Pair {
  readonly near: Socket;
  /** Null until it may be connected. */
  far: Socket | null;
  readonly ways: Readonly<Record<Direction, Way>>;
  isOver: boolean;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #shape: LinkShape = CLEAR;
  #cut: Record<Direction, boolean> = { up: false, down: false };
  #reset: NodeJS.Timeout | null = null;
  #onDown: (() => void)[] = [];
  /** The connection whose lines are being read: what passes at once goes on there. */
  #reading: Pair | null = null;
  #hasDown = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#accept(near));
  }

  /** The port it listens at; rejects when there is none to be had. */
  open(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: this.#options.listen, port: 0 }, () => {
        this.#server.off('error', reject).on('error', () => undefined); // a single accept failed; others go on
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  setShape(shape: LinkShape): void {
    this.#shape = shape;
    if (this.#reset !== null) clearTimeout(this.#reset);
    this.#armReset();
  }

  setCut(cut: Readonly<Record<Direction, boolean>>): void {
    this.#cut = { ...cut };
    for (const pair of this.#pairs) {
      this.#reach(pair);
      this.#pump(pair, 'up');
      this.#pump(pair, 'down');
    }
  }

  /** Sends whole lines: those just read on their connection, others on the youngest (an agent has one). */
  sendLines(direction: Direction, lines: readonly string[]): void {
    const pair = this.#reading ?? [...this.#pairs].at(-1);
    for (const line of lines) if (pair !== undefined) this.#take(pair, direction, Buffer.from(`${line}\n`, 'latin1'));
  }

  /** Has anything come down since it was opened? Waits for it. */
  awaitDown(waitMs: number): Promise<number> {
    if (this.#hasDown && this.#pairs.size > 0) return Promise.resolve(1);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(0), waitMs);
      this.#onDown.push(() => {
        clearTimeout(timer);
        resolve(1);
      });
    });
  }

  #accept(near: Socket): void {
    const way = (): Way => ({
      pipe: newPipe(),
      waiting: [],
      waitingBytes: 0,
      isEnded: false,
      partial: '',
      timer: null,
    });
    const pair: Pair = { near, far: null, ways: { up: way(), down: way() }, isOver: false };
    this.#pairs.add(pair);
    this.#read(pair, near, 'up');
    this.#reach(pair);
  }

  /** Connects to the far end, unless that is cut off now. */
  #reach(pair: Pair): void {
    if (pair.far !== null || pair.isOver || this.#cut.up || this.#cut.down) return;
    const { to, from } = this.#options;
    const far = connect({
      host: to.address,
      port: to.port,
      noDelay: true,
      allowHalfOpen: true,
      ...(from === null ? {} : { localAddress: from }),
    });
    pair.far = far;
    const late = setTimeout(() => far.destroy(), CONNECT_MS);
    far.once('connect', () => {
      clearTimeout(late);
      this.#pump(pair, 'up');
    });
    far.once('close', () => clearTimeout(late));
    this.#read(pair, far, 'down');
  }

  #read(pair: Pair, socket: Socket, direction: Direction): void {
    const way = pair.ways[direction];
    socket.on('data', (bytes: Buffer) => {
      if (direction === 'down') this.#cameDown();
      const { onLine } = this.#options;
      if (onLine === null) this.#take(pair, direction, bytes);
      else this.#takeLines(pair, way, direction, bytes, onLine);
      if (way.waitingBytes > WAITING_BYTES_MAX) socket.pause();
    });
    socket.on('end', () => {
      way.isEnded = true;
      this.#pump(pair, direction);
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      // no cable carries a reset over a cut; the other side learns of it when it is healed
      way.isEnded = true;
      if (!this.#cut[direction] || pair.far === null) this.#over(pair);
    });
  }

  #takeLines(
    pair: Pair,
    way: Way,
    direction: Direction,
    bytes: Buffer,
    onLine: (direction: Direction, line: string) => void,
  ): void {
    const lines = (way.partial + bytes.toString('latin1')).split('\n');
    way.partial = lines.pop() ?? '';
    this.#reading = pair;
    for (const line of lines) onLine(direction, line);
    this.#reading = null;
    if (way.partial.length <= LINE_BYTES_MAX) return;
    this.#take(pair, direction, Buffer.from(way.partial, 'latin1'));
    way.partial = '';
  }

  #take(pair: Pair, direction: Direction, bytes: Buffer): void {
    if (pair.isOver) return;
    const way = pair.ways[direction];
    const dueMs = arrivalMs(way.pipe, this.#shape, bytes.length, performance.now(), this.#options.draw);
    way.waiting.push({ bytes, dueMs });
    way.waitingBytes += bytes.length;
    this.#pump(pair, direction);
  }

  /** Passes on what is due. */
  #pump(pair: Pair, direction: Direction): void {
    const way = pair.ways[direction];
    const [source, target] = direction === 'up' ? [pair.near, pair.far] : [pair.far, pair.near];
    if (pair.isOver || target === null || target.connecting || this.#cut[direction]) return;
    const nowMs = performance.now();
    for (let next = way.waiting[0]; next !== undefined && next.dueMs <= nowMs; next = way.waiting[0]) {
      way.waiting.shift();
      way.waitingBytes -= next.bytes.length;
      target.write(next.bytes);
    }
    if (way.waitingBytes <= WAITING_BYTES_MAX) source?.resume();
    const [next] = way.waiting;
    if (next !== undefined) {
      way.timer ??= setTimeout(() => {
        way.timer = null;
        this.#pump(pair, direction);
      }, next.dueMs - nowMs);
    } else if (way.isEnded) {
      if (source === null || source.destroyed) this.#over(pair);
      else target.end();
    }
  }

  #over(pair: Pair): void {
    if (pair.isOver) return;
    // what was passed on leaves first
    for (const direction of ['up', 'down'] as const) {
      const way = pair.ways[direction];
      if (way.timer !== null) clearTimeout(way.timer);
      const target = direction === 'up' ? pair.far : pair.near;
      if (target !== null && !target.destroyed && !target.connecting)
        for (const { bytes } of way.waiting) target.write(bytes);
    }
    pair.isOver = true;
    this.#pairs.delete(pair);
    for (const socket of [pair.near, pair.far]) socket?.destroySoon();
    this.#options.onEnd();
  }

  #cameDown(): void {
    this.#hasDown = true;
    const waiting = this.#onDown;
    this.#onDown = [];
    for (const tell of waiting) tell();
  }

  #armReset(): void {
    const waitMs = nextResetMs(this.#shape, this.#options.draw);
    this.#reset = waitMs === null ? null : setTimeout(() => this.#resetOne(), waitMs);
  }

  #resetOne(): void {
    const pairs = [...this.#pairs];
    const pair = pairs[Math.floor(this.#options.draw() * pairs.length)];
    if (pair !== undefined) {
      pair.near.resetAndDestroy();
      pair.far?.resetAndDestroy();
    }
    this.#armReset();
  }
}
