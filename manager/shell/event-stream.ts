/**
 * `WS /v1/events`: events as they happen, each one JSON text message.
 *
 * Lives here: replay from the journal, then following; dropping whoever does not read. Does not live here: who may
 * connect (operator-port.ts). What a client says is ignored.
 */
import type { WebSocket } from 'ws';
import type { EventLog } from './event-log.ts';
import type { TimedEvent } from './history.ts';

/** Bytes that may wait for a client that does not read; beyond it, it is dropped. It may come back with `?since=`. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** A client that takes no byte for this long during the replay is dropped. */
export const STALLED_MS = 10_000;

/** Serves one client until it goes. `since` null: only what comes from now on. */
export async function serveEvents(client: WebSocket, events: EventLog, since: number | null): Promise<void> {
  let last = since ?? events.last;
  let unsubscribe: (() => void) | false = false;
  client.on('close', () => {
    if (unsubscribe !== false) unsubscribe();
  });
  client.on('error', () => client.terminate());
  const send = (event: TimedEvent): void => {
    client.send(JSON.stringify(event));
    if (client.bufferedAmount > UNREAD_BYTES_MAX) client.terminate();
  };
  while (client.readyState === client.OPEN) {
    for await (const event of events.since(last)) {
      await sendPaced(client, JSON.stringify(event));
      if (client.readyState !== client.OPEN) return;
      last = event.seq;
    }
    // Nothing can come in between: both run in one turn.
    unsubscribe = events.subscribe(last, send);
    if (unsubscribe !== false) return;
  }
}

/** Waits while much is unread, so that a long replay is read from the disk as fast as the client takes it. */
async function sendPaced(client: WebSocket, text: string): Promise<void> {
  if (client.bufferedAmount < UNREAD_BYTES_MAX / 2) return client.send(text);
  const timer = setTimeout(() => client.terminate(), STALLED_MS);
  await new Promise<void>((resolve) => client.send(text, () => resolve()));
  clearTimeout(timer);
}
