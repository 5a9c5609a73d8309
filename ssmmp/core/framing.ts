/**
 * Framing: bytes in, text lines out (R01, R07).
 *
 * Lives here: cutting a stream at LF with a limit. Does not live here: what a line means (codec.ts), or
 * where the bytes come from. A byte is one character here (a shell reads its sockets as latin1), so
 * lengths are bytes and a byte above 0x7E is still seen by the codec.
 */
import { cutLoose } from './own-text.ts';

/** What a chunk held: the complete lines, and whether a line went over the limit (then nothing follows). */
export interface Frames {
  readonly lines: readonly string[];
  readonly oversized: boolean;
}

/**
 * Cuts one connection's bytes into lines. One instance a connection. Each byte is looked at once however
 * the stream is cut up; at most `limitBytes` are held back waiting for an LF.
 */
export class LineFramer {
  private held: string[] = [];
  private heldBytes = 0;
  private stopped = false;
  private oversized = false;
  private readonly limitBytes: number;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes that wait for their LF. */
  get pendingBytes(): number {
    return this.heldBytes;
  }

  /** Takes the next chunk. After `oversized` every further chunk yields nothing: the connection is to be closed. */
  push(chunk: string): Frames {
    const lines: string[] = [];
    const oversized = this.feed(chunk, (line) => lines.push(line) > 0);
    return { lines, oversized };
  }

  /**
   * As `push`, line by line: what follows a line at which `take` says false is not even looked for, now or later. So a
   * peer that is given up at its third line costs three lines, whatever else it sent. True: a line is over the limit.
   */
  feed(chunk: string, take: (line: string) => boolean): boolean {
    if (this.stopped) return this.oversized;
    let from = 0;
    for (;;) {
      const end = chunk.indexOf('\n', from);
      const stop = end === -1 ? chunk.length : end;
      if (this.heldBytes + stop - from > this.limitBytes + 1) return this.stop(true);
      if (end === -1) break;
      const line = this.whole(cutLoose(chunk.slice(from, end), chunk));
      if (line.length > this.limitBytes) return this.stop(true);
      if (!take(line)) return this.stop(false);
      from = end + 1;
    }
    if (from < chunk.length) {
      this.held.push(from === 0 ? chunk : cutLoose(chunk.slice(from), chunk));
      this.heldBytes += chunk.length - from;
    }
    return false;
  }

  private whole(tail: string): string {
    let line = tail;
    if (this.held.length > 0) {
      this.held.push(tail);
      line = this.held.join('');
      this.held = [];
      this.heldBytes = 0;
    }
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  private stop(oversized: boolean): boolean {
    this.stopped = true;
    this.oversized = oversized;
    this.held = [];
    this.heldBytes = 0;
    return oversized;
  }
}
