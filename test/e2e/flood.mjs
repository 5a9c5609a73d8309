// A flood: `node flood.mjs COUNT MS HOST:PORT …` sends garbage of several kinds on COUNT connections to each place, connects
// again when it is thrown out, and prints how many bytes it got rid of. What may not be here: anything but plain Node.
import { connect } from 'node:net';

const [count, ms, ...places] = process.argv.slice(2);
const end = Date.now() + Number(ms);
const wrongHop =
  'type: session_request ~ message_id: 5 ~ sub_type: agent_to_service ~ source_service_name: a ~ source_service_instance_id: 1\n';
/** Refused, told as an event, and padded to the limit: whoever keeps the event must not keep the padding. */
const padded = `type: initiation_request ~ message_id: 5 ~ agent_network_address: 127.0.222.111 ~ service_repository: () ~ x: ${'p'.repeat(65_000)}\n`;
const PIECES = ['x\n'.repeat(32_768), `${'y'.repeat(65_000)}\n`, 'z'.repeat(65_536), wrongHop.repeat(500), padded];
let bytes = 0;

function begin(host, port, piece) {
  if (Date.now() > end) return;
  const socket = connect({ host, port });
  const more = () => {
    while (!socket.destroyed && Date.now() < end && socket.write(piece, 'latin1')) bytes += piece.length;
  };
  socket.resume();
  socket.on('connect', more).on('drain', more);
  socket.on('error', () => {}); // thrown out: that is what it is for
  socket.on('close', () => setImmediate(begin, host, port, piece));
}

for (const place of places) {
  const [host, port] = place.split(':');
  for (let at = 0; at < Number(count); at += 1) begin(host, Number(port), PIECES[at % PIECES.length]);
}
setTimeout(() => {
  process.stdout.write(`${bytes}\n`, () => process.exit(0));
}, Number(ms));
