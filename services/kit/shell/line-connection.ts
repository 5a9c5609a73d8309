/**
 * One connection of the data path: lines in, lines out, as fast as bare `net`.
 *
 * Lives here: cutting the stream at LF, writing once a turn, limits. Does not live here: what a line is (the session
 * classes that extend this) or what follows when the connection ends.
 *
 * Theory. Per request only what must be done is done: bytes become one latin1 string a chunk, lines are found by
 * indexOf and handed on as positions in it, not as strings of their own; everything written in one turn of the event
 * loop, to whichever connection, leaves in one write per connection. At 200,000 requests a second anything else,
 * a promise, a split, an extra write, is what the process does most of the time.
 */
import type { Socket } from 'node:net';

/** Bytes that may wait for a peer that does not read before no more is taken on. */
export const UNSENT_BYTES_HIGH = 1024 * 1024;
/** Bytes at which such a peer is given up. */
export const UNSENT_BYTES_MAX = 64 * 1024 * 1024;
/** How long a connection that we closed may take to close at the other end, in milliseconds. */
export const LINGER_MS = 1000;
/** Pieces of one unfinished line that are kept apart before they are joined: a line may come byte by byte. */
const PIECES_MAX = 256;

const dirty: LineConnection[] = [];

function flushAll(): void {
  // A write never calls back at once, so the list does not grow meanwhile.
  for (const connection of dirty) connection.flush();
  dirty.length = 0;
}

/** Base of all sessions. Subclasses say what a line means. */
export abstract class LineConnection {
  readonly socket: Socket;
  /** Complete lines that came in. */
  linesRead = 0;
  /** The peer reads too slowly: take on nothing more for it. */
  congested = false;
  /** What waits for the end of this turn. Subclasses append to it through `put`. */
  private out = '';
  private pieces: string[] = [];
  private heldBytes = 0;
  private readonly lineBytesMax: number;

  constructor(socket: Socket, lineBytesMax: number) {
    this.socket = socket;
    this.lineBytesMax = lineBytesMax;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.read(chunk));
    socket.on('drain', () => {
      this.congested = false;
      this.uncongested();
    });
  }

  /** One line: `text.slice(from, end)`, without its LF. */
  protected abstract line(text: string, from: number, end: number): void;
  /** A line over the limit. Nothing more is read. */
  protected abstract oversized(): void;
  /** The peer has read what was written to it. */
  protected abstract uncongested(): void;

  /** Does the peer owe us the end of a line? */
  get holdsHalfLine(): boolean {
    return this.heldBytes > 0;
  }

  /** Writes a line (with its LF) at the end of this turn. */
  protected put(line: string): void {
    if (this.out === '' && dirty.push(this) === 1) setImmediate(flushAll);
    this.out += line;
  }

  flush(): void {
    const { out, socket } = this;
    if (out === '') return;
    this.out = '';
    if (socket.destroyed || socket.writableEnded) return;
    socket.write(out, 'latin1');
    if (socket.writableLength < UNSENT_BYTES_HIGH) return;
    this.congested = true;
    if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy();
  }

  /** Sends what was written, then closes; a peer that keeps its side open is cut off after LINGER_MS. */
  close(): void {
    this.flush();
    const { socket } = this;
    if (socket.destroyed) return;
    socket.end();
    // What still comes is not wanted; reading it keeps the kernel from answering it with a reset that would destroy
    // what we have written last.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  private read(chunk: string): void {
    let text = chunk;
    let from = 0;
    let end = chunk.indexOf('\n');
    if (this.heldBytes > 0) {
      if (end === -1) return this.hold(chunk);
      if (this.heldBytes + end > this.lineBytesMax) return this.overflow();
      this.pieces.push(chunk.slice(0, end));
      text = this.pieces.join('');
      this.forget();
      this.linesRead += 1;
      this.line(text, 0, text.length);
      text = chunk;
      from = end + 1;
      end = text.indexOf('\n', from);
    }
    while (end !== -1) {
      if (end - from > this.lineBytesMax) return this.overflow();
      this.linesRead += 1;
      this.line(text, from, end);
      from = end + 1;
      end = text.indexOf('\n', from);
    }
    if (from < text.length) this.hold(from === 0 ? text : text.slice(from));
  }

  private hold(piece: string): void {
    this.heldBytes += piece.length;
    if (this.heldBytes > this.lineBytesMax) return this.overflow();
    this.pieces.push(piece);
    if (this.pieces.length > PIECES_MAX) this.pieces = [this.pieces.join('')];
  }

  private forget(): void {
    this.pieces = [];
    this.heldBytes = 0;
  }

  private overflow(): void {
    this.forget();
    this.oversized();
  }
}
