// Baseline of the Manager: a server that splits the lines it gets, answers the requests, and decides nothing.
//
//     node splitter.mjs ADDRESS PORT
//
// For every message it cuts the text at ` ~ ` into its lines and every line at `: `, since a Manager has to read what it is
// told. A `..._request` is answered by the same line as `..._response` with a status; what is no request needs no answer.
// It keeps no state and no journal. It writes `ready` once it listens.
import net from 'node:net';
import { onLines } from './line-socket.mjs';

function onMessage(line, out) {
  const fields = new Map();
  for (const part of line.split(' ~ ')) {
    const colon = part.indexOf(': ');
    fields.set(part.slice(0, colon), part.slice(colon + 2));
  }
  const type = fields.get('type');
  if (type.endsWith('_request'))
    out(`type: ${type.slice(0, -7)}response ~ ${line.slice(line.indexOf('message_id'))} ~ status: 200\n`);
}

net
  .createServer((socket) => onLines(socket, onMessage))
  .listen(Number(process.argv[3]), process.argv[2], 2048, () => console.log('ready'));
