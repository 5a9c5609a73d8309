/**
 * The user socket: a server for users' connections, and what bounds them all together. A connection by itself is in
 * user-connection.ts.
 */

import { createServer, type Socket } from 'node:net';
import type { RawSocket, ServiceContext } from '../../kit/service.ts';
import { formatLine } from '../../protocols/line.ts';
import { errorRest, HALF_LINE_MS, SILENCE_MS } from '../../protocols/user.ts';
import { Requests } from './requests.ts';
import { UserConnection, type Shared } from './user-connection.ts';

/** What bounds the connections of one gateway. Tests take smaller ones. */
export interface UserLimits {
  /** Connections at once; one more is told to come back. */
  readonly connectionsMax: number;
  /** What all connections together may hold in memory: unfinished lines, requests and answers under way. */
  readonly heldBytesMax: number;
  readonly halfLineMs: number;
  readonly silenceMs: number;
}

export const USER_LIMITS: UserLimits = {
  connectionsMax: 10_000,
  heldBytesMax: 128 * 1024 * 1024,
  halfLineMs: HALF_LINE_MS,
  silenceMs: SILENCE_MS,
};
const BUSY_RETRY_MS = 1000;

/** Listens on the instance's address. Rejects when the port is taken. */
export async function listenToUsers(
  context: ServiceContext,
  port: number,
  limits: UserLimits = USER_LIMITS,
): Promise<RawSocket> {
  const connections = new Set<UserConnection>();
  let held = 0;
  let inFlight = 0;
  let answered = 0;
  let whenClosed: (() => void) | null = null;
  const shared: Shared = {
    requests: new Requests(context),
    limits,
    hold: (bytes) => (held += bytes) <= limits.heldBytesMax,
    began: () => void (inFlight += 1),
    answered: () => {
      inFlight -= 1;
      answered += 1;
    },
    closed: (connection) => {
      connections.delete(connection);
      if (connections.size === 0) whenClosed?.();
    },
  };

  // A user may close his side when he has asked everything, and still gets his answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (connections.size >= limits.connectionsMax) refuse(socket);
    else connections.add(new UserConnection(socket, shared));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, context.address, resolve);
  });
  server.on('error', (error) => context.log.error({ error: String(error) }, 'the user socket failed'));

  return {
    async drain() {
      server.close();
      if (connections.size === 0) return;
      const closed = new Promise<void>((resolve) => (whenClosed = resolve));
      for (const connection of [...connections]) connection.drain();
      await closed;
    },
    load: () => ({ inFlight, requests: answered }),
  };
}

function refuse(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.end(
    `${formatLine('error_response', 0, errorRest(503, 'the gateway has too many connections just now', BUSY_RETRY_MS))}\n`,
    () => socket.destroy(),
  );
}
