/**
 * A connection on a socket: a session, seen from its destination.
 *
 * Lives here: the entry of an accepted session. Does not live here: its end (session-close.ts). The destination is
 * told nothing before and sends nothing after: that the session exists is the source's acknowledgement.
 */
import { canonicalAddress, sessionKey } from '../../../../ssmmp/core/address.ts';
import type { Turn } from '../turn.ts';
import { drain } from './session-close.ts';

export function sessionAccepted(
  turn: Turn,
  socket: string,
  sourceAddress: string,
  sourcePort: number,
  destPort: number,
): void {
  const { state } = turn;
  const address = canonicalAddress(sourceAddress) ?? sourceAddress;
  const key = sessionKey(address, sourcePort, state.settings.address, destPort);
  if (state.dests.has(key)) return;
  const session = { key, socket, sourceAddress: address, sourcePort, destPort, closing: null, asks: [] };
  state.dests.set(key, session);
  // Accepted just before the sockets were closed: it is emptied like the others.
  if (state.ending !== null) drain(turn, 'dest', session, 'ending', state.timers.endSocketsMs);
}
