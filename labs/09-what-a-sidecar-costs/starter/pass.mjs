// What a sidecar does with the bytes of a session, once both sides are there. Both functions are yours.
//
// `left` and `right` are sockets of node:net that allow half open: one side may have said all it has to say (`end`) while the other
// still answers.

/** How many messages of each type were parsed: `counts.set('append_post_request', 3)`. */
export const counts = new Map();

/** Passes bytes on as they come, both ways. A side that ends, ends the other; a side that breaks, breaks it. */
export function forward(left, right) {
  // TODO
  left.destroy();
  right.destroy();
}

/**
 * The same, and every message is read on its way: cut into lines, its fields put into a map, its type counted. What goes on is
 * the same bytes. (A real sidecar would now look up a policy, add a header, write a metric.)
 */
export function parse(left, right) {
  // TODO
  left.destroy();
  right.destroy();
}
