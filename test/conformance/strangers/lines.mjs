// What every stranger here shares: lines of `name: contents`, written and read the plain way. Nothing of ours is imported:
// these peers are written from docs/specification.md, docs/protocol.md and docs/cnapp.md alone.

/** `['type', 'session_ack'], …` as one line with its LF. */
export const write = (...lines) => `${lines.map(([name, contents]) => `${name}: ${contents}`).join(' ~ ')}\n`;

/** One line as an object. */
export const read = (line) =>
  Object.fromEntries(
    line
      .split(' ~ ')
      .filter((part) => part.includes(':'))
      .map((part) => [part.slice(0, part.indexOf(':')).trim(), part.slice(part.indexOf(':') + 1).trim()]),
  );

/** Calls `each` with every line a socket brings. */
export function lines(socket, each) {
  let held = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    held += chunk;
    for (let end = held.indexOf('\n'); end !== -1; end = held.indexOf('\n')) {
      const line = held.slice(0, end);
      held = held.slice(end + 1);
      each(line);
    }
  });
  socket.on('error', () => socket.destroy());
}
