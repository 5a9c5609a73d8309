// What the line-based baselines share: text lines in, text lines out, as fast as Node on `net` alone goes.
//
// Two things make it fast. Lines are cut from the text of a whole chunk with indexOf, where no text is looked through twice, and
// what is to be written is collected and written once a turn of the event loop, with one write per connection.

const dirty = [];

/** Calls `onLine(line, out)` for each line of the socket; `out(text)` appends to what the socket will be sent. */
export function onLines(socket, onLine) {
  socket.setEncoding('latin1'); // our lines are ASCII
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const out = writer(socket);
  let pieces = [];
  socket.on('data', (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      let line = chunk.slice(from, end);
      if (pieces.length > 0) {
        pieces.push(line);
        line = pieces.join('');
        pieces = [];
      }
      onLine(line, out);
      from = end + 1;
    }
    if (from < chunk.length) pieces.push(from === 0 ? chunk : chunk.slice(from));
  });
  return out;
}

/** A function that collects text for the socket until the end of the turn. */
function writer(socket) {
  const state = { socket, text: '' };
  return (text) => {
    if (state.text === '') {
      if (dirty.length === 0) setImmediate(flush);
      dirty.push(state);
    }
    state.text += text;
  };
}

function flush() {
  for (const state of dirty) {
    const { socket, text } = state;
    state.text = '';
    socket.write(text, 'latin1');
  }
  dirty.length = 0;
}
