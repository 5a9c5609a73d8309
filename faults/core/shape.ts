/**
 * What a bad link does to the bytes that pass it.
 *
 * Lives here: the shape of a link, and when a chunk of bytes leaves it. Does not live here: sockets and timers
 * (faults/shell/link.ts), whole lines (wire.ts).
 *
 * Theory. A proxy cannot lose a packet of a TCP connection: what it does not pass on is missing for good. What a lost
 * packet does to TCP can be played, though: nothing behind it arrives until it was sent again, a retransmission time later,
 * twice that when it is lost again. So loss is waiting, and all that comes behind waits too. Bytes never change order.
 */

export interface LinkShape {
  /** One way, in milliseconds. */
  readonly delayMs: number;
  /** Up to so much more, drawn for each chunk. */
  readonly jitterMs: number;
  /** Null: as fast as it goes. */
  readonly bytesPerSecond: number | null;
  /** Of a hundred packets so many are lost once, and have to be sent again. */
  readonly lossPercent: number;
  /** Connections are reset so often a minute, on average. */
  readonly resetsPerMinute: number;
}

/** A good link: nothing is changed. */
export const CLEAR: LinkShape = {
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  lossPercent: 0,
  resetsPerMinute: 0,
};

/** A packet holds this much of a chunk. */
export const PACKET_BYTES = 1460;
/** A lost packet is sent again after this, then after twice that … (Linux's shortest). */
export const RETRANSMIT_MS = 200;
/** … and TCP doubles its wait at most so often here, so that a link with 100 % loss still moves. */
export const RETRANSMITS_MAX = 5;

/** One direction of one connection. */
export interface Pipe {
  /** When the last byte so far has been sent, and when it arrives. */
  sentMs: number;
  dueMs: number;
}

export function newPipe(): Pipe {
  return { sentMs: 0, dueMs: 0 };
}

/** When a chunk that comes at `atMs` arrives at the other side. `draw` gives numbers from 0 to 1, less than 1. */
export function arrivalMs(pipe: Pipe, shape: LinkShape, bytes: number, atMs: number, draw: () => number): number {
  const { delayMs, jitterMs, bytesPerSecond, lossPercent } = shape;
  const sendingMs = bytesPerSecond === null ? 0 : (bytes * 1000) / bytesPerSecond;
  pipe.sentMs = Math.max(pipe.sentMs, atMs) + sendingMs;
  let lateMs = jitterMs === 0 ? 0 : draw() * jitterMs;
  if (lossPercent > 0) lateMs += retransmitMs(lossPercent / 100, Math.ceil(bytes / PACKET_BYTES), draw);
  pipe.dueMs = Math.max(pipe.dueMs, pipe.sentMs + delayMs + lateMs);
  return pipe.dueMs;
}

/** How long until one connection is reset; null for never. */
export function nextResetMs(shape: LinkShape, draw: () => number): number | null {
  if (shape.resetsPerMinute === 0) return null;
  return (-Math.log(1 - draw()) * 60_000) / shape.resetsPerMinute;
}

/** Numbers from 0 to 1 out of a seed (mulberry32), so that a bad link can be had again. */
export function drawFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Packets of one chunk are under way together: the slowest counts. */
function retransmitMs(loss: number, packets: number, draw: () => number): number {
  let most = 0;
  for (let packet = 0; packet < packets; packet += 1) {
    let waitMs = 0;
    for (let tries = 0; tries < RETRANSMITS_MAX && draw() < loss; tries += 1) waitMs += RETRANSMIT_MS * 2 ** tries;
    most = Math.max(most, waitMs);
  }
  return most;
}
