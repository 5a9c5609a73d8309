/**
 * The user socket: a server for users' connections, and what bounds them all together. A connection by itself is in
 * user-connection.ts.
 *
 * Theory. A bound on all of them together must not let some of them keep the others out: whoever opens ten thousand
 * connections and says nothing, or asks and never reads, would be the gateway's only user. So when a bound is reached,
 * room is made by those who use theirs least: they come back when they need something, and lose nothing.
 */

import { createServer, type Socket } from 'node:net';
import type { RawSocket, ServiceContext } from '../../kit/service.ts';
import { formatLine } from '../../protocols/line.ts';
import { errorRest, HALF_LINE_MS, SILENCE_MS } from '../../protocols/user.ts';
import { openFilesMax } from './open-files.ts';
import { Requests } from './requests.ts';
import { Turns } from './turns.ts';
import { UserConnection, type Shared } from './user-connection.ts';

/** What bounds the connections of one gateway. Tests take smaller ones. */
export interface UserLimits {
  /** Connections at once; for one more those go that were silent longest, or it is told to come back. */
  readonly connectionsMax: number;
  /**
   * What all connections together may hold in memory, in bytes: text that arrived, requests and answers under way, answers
   * that wait to be read. Beyond it those go that hold most for longest, and what is begun then is told to come back.
   */
  readonly heldBytesMax: number;
  readonly halfLineMs: number;
  readonly silenceMs: number;
}

/** Connections of one gateway, where the system allows so many open files; and where it allows too few. */
export const CONNECTIONS_MAX = 10_000;
const CONNECTIONS_MIN = 64;
/** Open files that are not for users: sessions, the agent, the log. */
const FILES_FOR_OTHERS = 256;

export const USER_LIMITS: UserLimits = {
  connectionsMax: Math.max(CONNECTIONS_MIN, Math.min(CONNECTIONS_MAX, openFilesMax() - FILES_FOR_OTHERS)),
  heldBytesMax: 128 * 1024 * 1024,
  halfLineMs: HALF_LINE_MS,
  silenceMs: SILENCE_MS,
};
const BUSY_RETRY_MS = 1000;
/** When there is no room, so much of it is made at once, so that it is not looked for every time. */
const MADE_AT_ONCE = 1 / 16;

/** Listens on the instance's address. Rejects when the port is taken. */
export async function listenToUsers(
  context: ServiceContext,
  port: number,
  limits: UserLimits = USER_LIMITS,
): Promise<RawSocket> {
  const connections = new Set<UserConnection>();
  let held = 0;
  /** Of it, what goes with connections that were told to go. */
  let going = 0;
  const leavers = new Map<UserConnection, number>();
  let inFlight = 0;
  let answered = 0;
  let whenClosed: (() => void) | null = null;
  const shared: Shared = {
    requests: new Requests(context),
    turns: new Turns(),
    limits,
    hold: (bytes) => {
      held += bytes;
      if (bytes > 0 && held - going > limits.heldBytesMax) makeMemory();
      return held - going <= limits.heldBytesMax;
    },
    began: () => void (inFlight += 1),
    answered: () => {
      inFlight -= 1;
      answered += 1;
    },
    closed: (connection) => {
      connections.delete(connection);
      going -= leavers.get(connection) ?? 0;
      leavers.delete(connection);
      if (connections.size === 0) whenClosed?.();
    },
  };

  const staying = (): UserConnection[] => [...connections].filter((connection) => !leavers.has(connection));

  /** Ends those who hold most for longest. */
  function makeMemory(): void {
    const now = performance.now();
    const weigh = (connection: UserConnection): number => connection.stuckBytes * (now - connection.movedMs + 1);
    const heaviest = staying()
      .map((connection) => ({ connection, weight: weigh(connection) }))
      .filter(({ weight }) => weight > 0)
      .sort((a, b) => b.weight - a.weight);
    const wanted = limits.heldBytesMax * (1 - MADE_AT_ONCE);
    for (const { connection } of heaviest) {
      if (held - going <= wanted) break;
      leavers.set(connection, connection.stuckBytes);
      going += connection.stuckBytes;
      connection.destroy();
    }
  }

  /** Ends those who have been silent longest and wait for nothing. */
  function makePlaces(): void {
    const idle = staying()
      .filter((connection) => connection.isIdle)
      .sort((a, b) => a.movedMs - b.movedMs);
    for (const connection of idle.slice(0, Math.ceil(limits.connectionsMax * MADE_AT_ONCE))) {
      leavers.set(connection, 0);
      connection.leave('the gateway has too many connections, and this one was silent longest; connect again');
    }
  }

  // A user may close his side when he has asked everything, and still gets his answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (connections.size - leavers.size >= limits.connectionsMax) makePlaces();
    if (connections.size - leavers.size >= limits.connectionsMax) refuse(socket);
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
