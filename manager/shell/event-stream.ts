/**
 * `WS /v1/events`: events as they happen, each one JSON text message.
 *
 * Lives here: replay from the journal, then following; what a slow client costs. Does not live here: who may connect
 * (operator-port.ts). What a client says is ignored.
 *
 * A client that falls behind is no longer sent events as they happen: it gets them from memory or journal again, as
 * fast as it reads. So a burst drops nobody and memory stays bounded; only who reads nothing at all is dropped.
 */
import type { WebSocket } from 'ws';
import type { EventLog } from './event-log.ts';

/** Bytes that may wait for one client. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** A client that is behind and takes no byte for this long is dropped. It may come back with `?since=`. */
export const STALLED_MS = 10_000;

/** Serves one client until it goes. `since` null: only what comes from now on. */
export async function serveEvents(client: WebSocket, events: EventLog, since: number | null): Promise<void> {
  let last = since ?? events.last;
  client.on('error', () => client.terminate());
  while (client.readyState === client.OPEN) {
    for await (const event of events.since(last)) {
      await sendPaced(client, JSON.stringify(event));
      if (client.readyState !== client.OPEN) return;
      last = event.seq;
    }
    last = await follow(client, events, last);
  }
}

/** Sends events as they happen; resolves with the last one when too much is unread, one was missed, or the client went. */
function follow(client: WebSocket, events: EventLog, from: number): Promise<number> {
  return new Promise((resolve) => {
    let last = from;
    const end = (): void => {
      if (unsubscribe !== false) unsubscribe();
      client.off('close', end);
      resolve(last);
    };
    const unsubscribe = events.subscribe(from, (event) => {
      client.send(JSON.stringify(event));
      last = event.seq;
      if (client.bufferedAmount > UNREAD_BYTES_MAX) end();
    });
    client.on('close', end);
    if (unsubscribe === false || client.readyState !== client.OPEN) end();
  });
}

/** Waits while much is unread. */
async function sendPaced(client: WebSocket, text: string): Promise<void> {
  if (client.bufferedAmount < UNREAD_BYTES_MAX / 2) return client.send(text);
  const timer = setTimeout(() => client.terminate(), STALLED_MS);
  await new Promise<void>((resolve) => client.send(text, () => resolve()));
  clearTimeout(timer);
}
