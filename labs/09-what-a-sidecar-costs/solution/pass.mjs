// What a sidecar does with the bytes of a session, once both sides are there.

/** How many messages of each type were parsed. */
export const counts = new Map();

/** Passes bytes on as they come, both ways. A side that ends, ends the other; a side that breaks, breaks it. */
export function forward(left, right) {
  left.pipe(right);
  right.pipe(left);
  tie(left, right);
}

/** The same, and every message is read on its way: cut into lines, its fields put into a map, its type counted. */
export function parse(left, right) {
  readLines(left, right);
  readLines(right, left);
  tie(left, right);
}

function readLines(from, to) {
  let rest = '';
  from.setEncoding('latin1');
  from.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    let passed = '';
    for (const line of lines) {
      const fields = new Map();
      for (const part of line.split(' ~ ')) {
        const colon = part.indexOf(': ');
        fields.set(part.slice(0, colon), part.slice(colon + 2));
      }
      const type = fields.get('Type') ?? '';
      counts.set(type, (counts.get(type) ?? 0) + 1);
      passed += `${line}\n`;
    }
    // What is slow to take must slow down what is sent, or it all piles up here.
    if (passed !== '' && !to.write(passed, 'latin1')) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.on('end', () => to.end(rest, 'latin1'));
}

function tie(left, right) {
  for (const [one, other] of [
    [left, right],
    [right, left],
  ]) {
    one.on('error', () => other.resetAndDestroy());
    one.on('close', () => {
      if (!one.readableEnded) other.resetAndDestroy();
    });
  }
}
