// What the line-based baselines share: text lines in, text lines out, as fast as Node on `net` alone goes.
//
// Two things make it fast. Lines are cut from the text of a whole chunk with indexOf, and what is to be written is collected
// per connection and written once for all the lines that came in one chunk (`flush`). Both cost nothing in latency.

const dirty = [];

/** Calls `onLine(line, out)` for each line of the socket; `out(text)` appends to what the socket will be sent. */
export function onLines(socket, onLine) {
  socket.setEncoding('latin1'); // our lines are ASCII
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const out = writer(socket);
  let rest = '';
  socket.on('data', (chunk) => {
    let text = rest === '' ? chunk : rest + chunk;
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      onLine(text.slice(from, end), out);
      from = end + 1;
    }
    rest = text.slice(from);
  });
  return out;
}

/** A function that collects text for the socket until the next `flush`. */
export function writer(socket) {
  const state = { socket, text: '' };
  return (text) => {
    if (state.text === '') {
      if (dirty.length === 0) setImmediate(flush);
      dirty.push(state);
    }
    state.text += text;
  };
}

/** Writes what was collected, with one write per connection. */
export function flush() {
  for (const state of dirty) {
    const { socket, text } = state;
    state.text = '';
    socket.write(text, 'latin1');
  }
  dirty.length = 0;
}
