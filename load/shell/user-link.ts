/**
 * One user's connection to a gateway, and the repeats that cnapp.md allows.
 *
 * Lives here: lines over net, matched by Message_id; another gateway when the connection is lost, the same Operation_id
 * again; the wait that a 503 names. Does not live here: what is sent, and what an answer means.
 */
import net from 'node:net';
import { formatLine, isLineError, parseLine, type LineMessage } from '../../services/protocols/line.ts';
import { RESPONSE_BYTES_MAX, readCount } from '../../services/protocols/user.ts';

export interface Gateway {
  readonly host: string;
  readonly port: number;
}

/** Gives the gateways there are now, at least one. Asked for at every new connection. */
export type Gateways = () => readonly Gateway[];

/** A request without a final answer is given up after this. */
export const GIVE_UP_MS = 20_000;
const CONNECT_MS = 2000;
/** Between two tries when no gateway takes the connection. */
const AGAIN_MS = 25;
/** Where a 503 names no time. */
const BUSY_MS = 100;
const FIRST_MESSAGE_ID = 1000;
/** Sendings of one request: more say that something is wrong, whatever the clock says. */
const SENDINGS_MAX = 200;

/** What came back at last. */
export interface Got {
  /** Null when it was given up. */
  readonly message: LineMessage | null;
  readonly tookMs: number;
  readonly repeats: number;
}

interface Waiting {
  readonly line: string;
  readonly startMs: number;
  readonly resolve: (got: Got) => void;
  repeats: number;
  /** It waits for its time after a 503. */
  isHeld: boolean;
}

export class UserLink {
  private readonly gateways: Gateways;
  private readonly now: () => number;
  private readonly waiting = new Map<number, Waiting>();
  private socket: net.Socket | null = null;
  private isUp = false;
  private isClosed = false;
  private nextId = FIRST_MESSAGE_ID;
  private tries = 0;
  private readonly timer: NodeJS.Timeout;

  /** `first`: which gateway to begin with, so that users spread over them. */
  constructor(gateways: Gateways, first: number, now: () => number) {
    this.gateways = gateways;
    this.tries = first;
    this.now = now;
    this.timer = setInterval(() => this.giveUpLate(), 500);
  }

  /** Sends `rest` behind type and id; resolves always. `startMs`: from when on it counts, where that is not now. */
  request(type: string, rest: string, startMs = this.now()): Promise<Got> {
    return new Promise((resolve) => {
      const id = this.nextId;
      this.nextId += 1;
      const line = `${formatLine(type, id, rest)}\n`;
      this.waiting.set(id, { line, startMs, resolve, repeats: 0, isHeld: false });
      if (this.isUp) this.socket?.write(line, 'latin1');
      else this.connect();
    });
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.timer);
    this.socket?.destroy();
    for (const id of [...this.waiting.keys()]) this.settle(id, null);
  }

  private connect(): void {
    if (this.socket !== null || this.isClosed) return;
    const all = this.gateways();
    const { host, port } = all[this.tries % all.length] as Gateway;
    const socket = net.connect({ host, port, noDelay: true });
    this.socket = socket;
    let partial = '';
    const late = setTimeout(() => socket.destroy(), CONNECT_MS);
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      clearTimeout(late);
      this.isUp = true;
      for (const waiting of this.waiting.values()) if (!waiting.isHeld) socket.write(waiting.line, 'latin1');
    });
    socket.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() as string;
      if (partial.length > RESPONSE_BYTES_MAX) socket.destroy();
      for (const line of lines) this.answered(line);
    });
    socket.on('error', () => undefined); // 'close' follows, and says all that matters here
    socket.on('close', () => {
      clearTimeout(late);
      const wasUp = this.isUp;
      this.socket = null;
      this.isUp = false;
      this.tries += 1;
      if (this.waiting.size === 0) return;
      if (wasUp) for (const [id, waiting] of this.waiting) this.again(id, waiting);
      const isRoundOver = this.tries % this.gateways().length === 0;
      if (wasUp || !isRoundOver) this.connect();
      else setTimeout(() => this.connect(), AGAIN_MS);
    });
  }

  private answered(line: string): void {
    const message = parseLine(line);
    if (isLineError(message)) return void this.socket?.destroy();
    const waiting = this.waiting.get(message.id);
    if (waiting === undefined) return; // given up
    if (!message.rest.startsWith(' ~ Status: 503') || this.isLate(waiting)) return this.settle(message.id, message);
    this.again(message.id, waiting);
    waiting.isHeld = true;
    const named = readCount(/ ~ Line_4: (\d+)/.exec(message.rest)?.[1] ?? '');
    setTimeout(() => {
      waiting.isHeld = false;
      if (this.isUp && this.waiting.has(message.id)) this.socket?.write(waiting.line, 'latin1');
    }, named ?? BUSY_MS);
  }

  private again(id: number, waiting: Waiting): void {
    waiting.repeats += 1;
    if (waiting.repeats > SENDINGS_MAX) this.settle(id, null);
  }

  private isLate({ startMs }: Waiting): boolean {
    return this.now() - startMs > GIVE_UP_MS;
  }

  private giveUpLate(): void {
    for (const [id, waiting] of this.waiting) if (this.isLate(waiting)) this.settle(id, null);
  }

  private settle(id: number, message: LineMessage | null): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    waiting.resolve({ message, tookMs: this.now() - waiting.startMs, repeats: waiting.repeats });
  }
}
