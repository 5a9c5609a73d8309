/**
 * Ports: which ones a plug calls from (R22), and which sockets are for users (R23).
 *
 * Lives here: the ranges, and the order in which source ports are tried. Does not live here: binding one.
 *
 * The sockets' range lies inside the range from which Linux draws source ports by itself, so a drawn one could be a
 * port that the Manager gives to a socket next. Plugs therefore choose theirs, outside of it. Instances of one node
 * share address and range: each starts at a place of its own, made from its id, which is never used again.
 */

/** First and last source port of a plug. */
export const SOURCE_PORT_FIRST = 20000;
export const SOURCE_PORT_LAST = 31999;
/** Ports tried for one session before it is given up. */
export const SOURCE_PORT_TRIES_MAX = 64;
/** Distance between the places where two instances start. */
const STRIDE = 64;

/** Where the instance starts to choose. */
export function firstSourcePort(instanceId: number): number {
  return SOURCE_PORT_FIRST + (((instanceId % 1_000_000) * STRIDE) % (SOURCE_PORT_LAST - SOURCE_PORT_FIRST + 1));
}

/** The port to try after this one. */
export function nextSourcePort(port: number): number {
  return port >= SOURCE_PORT_LAST ? SOURCE_PORT_FIRST : port + 1;
}

/**
 * R23: is this the port of a public socket, whose connections are users' and no sessions? An instance is not told; but
 * sockets for sessions lie above the source ports (54000 to 55552 where nobody configured it otherwise), and published
 * ports (8080) below.
 */
export function isPublicPort(port: number): boolean {
  return port < SOURCE_PORT_FIRST;
}
