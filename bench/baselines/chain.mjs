// Baseline "bare chain": one link of a chain of processes with persistent connections, requests matched by id.
//
//     node chain.mjs ADDRESS PORT             the last link: answers every line with itself
//     node chain.mjs ADDRESS PORT NEXTPORT    passes lines on to the next link and the answers back
//
// A line is `ID TEXT`. A link gives every request an id of its own on the connection to the next link, since two clients may
// use the same, and puts the old one back into the answer. That is all a gateway or a service has to do for a request, and
// what ours do besides (types, fields, sessions that may be closed under a request) is what the bench shows the price of.
// It writes `ready` once it listens and is connected.
import net from 'node:net';
import { onLines } from './line-socket.mjs';

const [address, port, nextPort] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? 0)];

let handle = (line, out) => out(`${line}\n`);

if (nextPort !== 0) {
  const next = net.connect(nextPort, address);
  const waiting = new Map();
  let lastId = 0;
  const toNext = onLines(next, (line) => {
    const space = line.indexOf(' ');
    const id = Number(line.slice(0, space));
    const { out, theirId } = waiting.get(id);
    waiting.delete(id);
    out(`${theirId}${line.slice(space)}\n`);
  });
  handle = (line, out) => {
    const space = line.indexOf(' ');
    lastId += 1;
    waiting.set(lastId, { out, theirId: line.slice(0, space) });
    toNext(`${lastId}${line.slice(space)}\n`);
  };
  await new Promise((resolve) => next.once('connect', resolve));
}

net.createServer((socket) => onLines(socket, handle)).listen(port, address, () => console.log('ready'));
