/**
 * Ports: the Manager gives sockets their ports, per address (R21, R23).
 *
 * Lives here: the book of one address: what is held, what rests. Does not live here: whether a port is
 * really free on the node (the agent tries it). A port rests after its process is known dead, so that a
 * late connection meant for the old instance cannot reach a new one.
 */
import type { ManagerState, PortBook } from './state.ts';

/** The book of an address, made when first asked for. */
export function bookOf(state: ManagerState, address: string): PortBook {
  let book = state.ports.get(address);
  if (book === undefined) {
    book = { held: new Map(), quarantine: new Map(), next: state.settings.portFirst };
    state.ports.set(address, book);
  }
  return book;
}

/** Takes the next free port of an address for an instance; null when all are held or resting. */
export function takePort(state: ManagerState, address: string, instance: number, now: number): number | null {
  const { portFirst, portLast } = state.settings;
  const book = bookOf(state, address);
  for (let tries = portLast - portFirst; tries >= 0; tries -= 1) {
    const port = book.next < portFirst || book.next > portLast ? portFirst : book.next;
    book.next = port >= portLast ? portFirst : port + 1;
    if (book.held.has(port) || (book.quarantine.get(port) ?? 0) > now) continue;
    book.quarantine.delete(port);
    book.held.set(port, instance);
    return port;
  }
  return null;
}

/** Takes a fixed port (a gateway's public socket); false when another instance holds it. */
export function takeFixedPort(state: ManagerState, address: string, port: number, instance: number): boolean {
  const book = bookOf(state, address);
  const holder = book.held.get(port);
  if (holder !== undefined && holder !== instance) return false;
  book.held.set(port, instance);
  return true;
}

/** Gives back the ports of an instance. Ports of the Manager's range rest first. */
export function releasePorts(
  state: ManagerState,
  address: string,
  ports: readonly number[],
  instance: number,
  now: number,
): void {
  const book = bookOf(state, address);
  const { portFirst, portLast } = state.settings;
  for (const port of ports) {
    if (book.held.get(port) !== instance) continue;
    book.held.delete(port);
    if (port >= portFirst && port <= portLast) book.quarantine.set(port, now + state.timers.portQuarantineMs);
  }
}
