/**
 * The user socket: a server for users' connections, and what bounds them all together. A connection by itself is in
 * user-connection.ts.
 */

import { createServer, type Socket } from 'node:net';
import type { RawSocket, ServiceContext } from '../../kit/service.ts';
import { formatLine } from '../../protocols/line.ts';
import { errorRest } from '../../protocols/user.ts';
import { Requests } from './requests.ts';
import { UserConnection, type Shared } from './user-connection.ts';

/** Users' connections at once; one more is told to come back. */
export const CONNECTIONS_MAX = 10_000;
/** What all connections together may hold in memory: unfinished lines, requests and answers under way, in bytes. */
export const HELD_BYTES_MAX = 256 * 1024 * 1024;
const BUSY_RETRY_MS = 1000;

/** Listens on the instance's address. Rejects when the port is taken. */
export async function listenToUsers(context: ServiceContext, port: number): Promise<RawSocket> {
  const connections = new Set<UserConnection>();
  let held = 0;
  let inFlight = 0;
  let answered = 0;
  let whenClosed: (() => void) | null = null;
  const shared: Shared = {
    requests: new Requests(context),
    hold: (bytes) => (held += bytes) <= HELD_BYTES_MAX,
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
    if (connections.size >= CONNECTIONS_MAX) refuse(socket);
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
