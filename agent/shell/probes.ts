/**
 * Looking at ports of this node from outside: is one taken (R21), does one accept (R26)?
 *
 * Lives here: both questions. Does not live here: what follows from the answer.
 */
import { connect, createServer } from 'node:net';

/** A socket that does not accept within this time does not accept. */
const ACCEPT_MS = 1000;

/** Which of these ports cannot be listened on at `address`? They are free again when this resolves. */
export async function takenPorts(address: string, ports: readonly number[]): Promise<number[]> {
  const free = await Promise.all(ports.map((port) => isFree(address, port)));
  return ports.filter((_, index) => free[index] !== true);
}

/** Do all these ports accept a connection? The connections are closed at once; they are no sessions. */
export async function acceptAll(address: string, ports: readonly number[]): Promise<boolean> {
  const accepted = await Promise.all(ports.map((port) => accepts(address, port)));
  return accepted.every(Boolean);
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: ACCEPT_MS });
    const done = (isAccepted: boolean) => () => {
      socket.destroy();
      resolve(isAccepted);
    };
    socket.once('connect', done(true)).once('error', done(false)).once('timeout', done(false));
  });
}
