/**
 * One SSMMP connection over TCP: lines in, lines out.
 *
 * Lives here: sockets, framing, writing in batches, limits of buffers. Does not live here: reading a line
 * as a message, or any decision beyond "this peer does not take what we send, so close".
 */
import type { Socket } from 'node:net';
import { canonicalAddress } from '../core/address.ts';
import { LineFramer } from '../core/framing.ts';
import { MESSAGE_BYTES_MAX } from '../core/names.ts';

/** Bytes that may wait for a peer that does not read; beyond it the connection is closed. */
export const UNSENT_BYTES_MAX = 16 * 1024 * 1024;
/** How long a connection that we ended may take to end at the other side, in milliseconds. */
export const LINGER_MS = 1000;
/** What it may still send meanwhile, in bytes. It is thrown away: reading it lets the peer get what we wrote last. */
export const LINGER_BYTES_MAX = 1024 * 1024;

/** What waits for company waits at most this long, in milliseconds: far less than an answer to a health request may take. */
export const PATIENT_MS = 25;

/** What a connection reports. `closed` comes exactly once, last. */
export interface ConnectionEvents {
  line(line: string): void;
  /** A message longer than 64 KiB (R07). No line follows. */
  oversized(): void;
  closed(why: string): void;
}

export interface Connection {
  /** Canonical address of the peer. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Writes one line (LF is added). Lines of one turn of the event loop leave in one write. */
  send(line: string): void;
  /**
   * The same for what is in no hurry: at the end of a turn of the event loop in which `isCompanyComing` says no, with the next
   * line that does not wait, or after PATIENT_MS. The order is kept.
   */
  sendSoon(line: string, isCompanyComing: () => boolean): void;
  /** Sends what was written, then closes. From now on no line is reported. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Reads nothing more for now; what was read already is still reported. */
  pause(): void;
  resume(): void;
}

/** Takes over a connected socket. */
export function openConnection(socket: Socket, events: ConnectionEvents): Connection {
  const framer = new LineFramer(MESSAGE_BYTES_MAX);
  const remoteAddress = canonicalAddress(socket.remoteAddress ?? '') ?? '0.0.0.0';
  const remotePort = socket.remotePort ?? 0;
  let out = '';
  let soon: NodeJS.Timeout | null = null;
  let isDue = false;
  let open = true;
  /** Ended by us, or too long a line came: what still comes is thrown away. */
  let isDeaf = false;
  let thrownAway = 0;
  let why = 'closed by the peer';

  const flush = (): void => {
    isDue = false;
    if (soon !== null) clearTimeout(soon);
    soon = null;
    if (out === '' || socket.destroyed) return;
    const text = out;
    out = '';
    socket.write(text, 'latin1');
    if (socket.writableLength > UNSENT_BYTES_MAX) {
      why = `the peer left more than ${UNSENT_BYTES_MAX} bytes unread`;
      socket.destroy();
    }
  };

  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  const take = (line: string): boolean => {
    events.line(line);
    return open && !isDeaf;
  };
  socket.on('data', (chunk: string) => {
    if (isDeaf) {
      thrownAway += chunk.length;
      if (thrownAway > LINGER_BYTES_MAX) socket.destroy();
    } else if (framer.feed(chunk, take)) {
      isDeaf = true;
      events.oversized();
    }
  });
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    if (!open) return;
    open = false;
    events.closed(why);
  });

  return {
    remoteAddress,
    remotePort,
    send(line) {
      if (!open) return; // it would be kept for ever
      out += `${line}\n`;
      if (isDue) return;
      isDue = true;
      atEndOfTurn(flush);
    },
    sendSoon(line, isCompanyComing) {
      if (!open) return;
      out += `${line}\n`;
      if (isDue) return;
      atEndOfTurn(() => {
        if (out === '' || isDue) return;
        if (!isCompanyComing()) flush();
        else soon ??= setTimeout(flush, PATIENT_MS);
      });
    },
    end() {
      flush();
      isDeaf = true;
      socket.end();
      // A peer that never closes its side would keep the connection half open for ever.
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    },
    destroy() {
      flush();
      socket.destroy();
    },
    pause() {
      socket.pause();
    },
    resume() {
      socket.resume();
    },
  };
}

/** What is to be done when this turn of the event loop is over: one immediate for all connections, not one for each. */
let endOfTurn: (() => void)[] = [];

function atEndOfTurn(flush: () => void): void {
  if (endOfTurn.push(flush) > 1) return;
  setImmediate(() => {
    const all = endOfTurn;
    endOfTurn = [];
    for (const each of all) each();
  });
}
