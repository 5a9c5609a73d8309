/**
 * Connecting a plug to the socket it was granted.
 *
 * Lives here: one try from one source port, and telling why it failed. Does not live here: which port, how often, what
 * the Manager is told (core/dialogues/session-open.ts), dialing through a sidecar (forwarder-dialer.ts).
 */
import { connect, type Socket } from 'node:net';
import { KEEPALIVE_MS } from './listener.ts';

export interface DialEvents {
  /** `sourcePort`: the port that the destination sees, where it is not the one that was asked for. */
  dialed(socket: Socket, sourcePort?: number): void;
  failed(why: 'port_in_use' | 'refused' | 'timeout'): void;
}

/** Dials; exactly one of the events follows, unless the returned function is called before: that forgets the try. */
export type Dial = (
  sourceAddress: string,
  sourcePort: number,
  destAddress: string,
  destPort: number,
  events: DialEvents,
) => () => void;

/** Errors that say that this source port cannot be used for this destination now (R22). */
const PORT_ERRORS = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

/** Straight to the destination, as a mesh without sidecars does. */
export const dial: Dial = (sourceAddress, sourcePort, destAddress, destPort, events) => {
  const socket = connect({
    host: destAddress,
    port: destPort,
    localAddress: sourceAddress, // R18: the destination sees the node's own address
    localPort: sourcePort,
    noDelay: true,
    keepAlive: true, // a peer whose node lost power says nothing
    keepAliveInitialDelay: KEEPALIVE_MS,
  });
  const failed = (error: NodeJS.ErrnoException): void => {
    socket.destroy();
    const { code = '' } = error;
    events.failed(PORT_ERRORS.has(code) ? 'port_in_use' : code === 'ETIMEDOUT' ? 'timeout' : 'refused');
  };
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    socket.on('error', ignore); // whoever takes the socket sees that it is closed
    events.dialed(socket);
  });
  return () => {
    socket.off('error', failed);
    socket.on('error', ignore); // nobody is left to be told
    socket.removeAllListeners('connect');
    socket.destroy();
  };
};

function ignore(): void {
  return;
}
