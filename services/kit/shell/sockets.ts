/**
 * The sockets of an instance: all of them, of whichever kind.
 *
 * Lives here: finding the service's handler for each configured socket, starting and stopping them together. Does not
 * live here: one socket (listener.ts).
 */
import type { SocketSetting } from '../../../ssmmp/core/catalog.ts';
import type { RawSocket, ServiceContext, ServiceDefinition } from '../service.ts';
import type { Shared } from './dest-session.ts';
import { Listener, type Handler, type ListenerEvents } from './listener.ts';

export class Sockets {
  private readonly listeners: Listener[] = [];
  private readonly raw: RawSocket[] = [];
  private readonly shared: Shared;
  private readonly events: ListenerEvents;

  constructor(shared: Shared, events: ListenerEvents) {
    this.shared = shared;
    this.events = events;
  }

  /** Listens on all of them, at the same time. Rejects where the service has no handler or a port is taken. */
  async listen(
    settings: readonly SocketSetting[],
    definition: ServiceDefinition,
    context: ServiceContext,
  ): Promise<void> {
    await Promise.all(
      settings.map(async ({ socket, port }) => {
        const raw = definition.rawSockets?.[socket];
        if (raw !== undefined) return void this.raw.push(await raw(context, port));
        const handler = handlerOf(definition, socket);
        if (handler === null)
          throw new Error(
            `${context.serviceName} was given a socket '${socket}', but it serves only ${namesOf(definition)}`,
          );
        const listener = new Listener(socket, context.address, port, handler, this.shared, this.events);
        this.listeners.push(listener);
        await listener.listen();
      }),
    );
  }

  /** Effect `drain`. */
  drain(key: string): void {
    this.find(key)?.sessions.get(key)?.drain();
  }

  /** Effect `close_session`. */
  close(key: string): void {
    const sessions = this.find(key)?.sessions;
    sessions?.get(key)?.close();
    sessions?.delete(key);
  }

  /** Effect `stop_listening`. Resolves when the connections that are no sessions are drained. */
  async stop(): Promise<void> {
    await Promise.all([...this.listeners.map((listener) => listener.stop()), ...this.raw.map((raw) => raw.drain())]);
  }

  /** Effect `close_users`. */
  closeUsers(): void {
    for (const listener of this.listeners) listener.closeUsers();
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const listener of this.listeners) listener.destroy();
  }

  /** The port a socket listens on. */
  portOf(socket: string): number | null {
    return this.listeners.find(({ name }) => name === socket)?.boundPort ?? null;
  }

  /** Breaks all connections; goes on listening. */
  breakConnections(): void {
    for (const { sessions } of this.listeners) for (const { socket } of sessions.values()) socket.resetAndDestroy();
  }

  load(): { inFlight: number; requests: number } {
    let { inFlight, requests } = this.shared;
    for (const raw of this.raw) {
      const more = raw.load();
      inFlight += more.inFlight;
      requests += more.requests;
    }
    return { inFlight, requests };
  }

  private find(key: string): Listener | undefined {
    return this.listeners.find(({ sessions }) => sessions.has(key));
  }
}

function handlerOf(definition: ServiceDefinition, socket: string): Handler | null {
  const matched = definition.sockets?.[socket];
  if (matched !== undefined) return { discipline: 'matched', handle: matched };
  const ordered = definition.orderedSockets?.[socket];
  return ordered === undefined ? null : { discipline: 'ordered', handle: ordered };
}

function namesOf({ sockets, orderedSockets, rawSockets }: ServiceDefinition): string {
  return Object.keys({ ...sockets, ...orderedSockets, ...rawSockets }).join(', ') || 'none';
}
