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
  /** Sends what was written, then closes. */
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
  let open = true;
  let why = 'closed by the peer';

  const flush = (): void => {
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
  socket.on('data', (chunk: string) => {
    const { lines, oversized } = framer.push(chunk);
    for (const line of lines) if (open) events.line(line);
    if (oversized && open) events.oversized();
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
      if (out === '') setImmediate(flush);
      out += `${line}\n`;
    },
    end() {
      flush();
      socket.end();
      // A peer that never closes its side would keep the connection half open for ever.
      setTimeout(() => socket.destroy(), 1000).unref();
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
