// A service that does nothing by itself: the agent under test starts it, the check pulls its strings.
//
// What it was started with and every line its agent says go to the check; bytes that the check wants said go to its agent.
// Where the check listens stands in control.json beside this file, because an agent gives its children a clean environment.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [service, id, address, sockets, plugs, ...more] = process.argv.slice(2);
// `short` is a program that ends at once, before anybody could call it ready.
if (service === 'short') process.exit(7);

const control = connect(JSON.parse(readFileSync(new URL('./control.json', import.meta.url), 'utf8')));
const tell = (what) => control.write(`${JSON.stringify(what)}\n`);
tell({
  started: {
    args: [service, id, address, sockets, plugs, ...more],
    environment: Object.keys(process.env),
    pid: process.pid,
  },
});
control.on('close', () => process.exit(9));
control.on('error', () => process.exit(9));

let agent = null;
const servers = [];

/** Calls `take` with every line. */
function lines(socket, take) {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const part of parts) take(part);
  });
}

function dial() {
  agent = connect({ host: address, port: Number(process.env.SSMMP_AGENT_PORT ?? 55556), localAddress: address });
  agent.on('connect', () => tell({ dialed: true }));
  agent.on('error', (error) => tell({ trouble: error.message }));
  agent.on('close', () => tell({ closed: true }));
  lines(agent, (line) => tell({ heard: line }));
}

lines(control, (line) => {
  const order = JSON.parse(line);
  if (order.do === 'dial') dial();
  if (order.do === 'say') agent?.write(Buffer.from(order.bytes, 'latin1'));
  if (order.do === 'hang-up') agent?.destroy();
  if (order.do === 'exit') process.exit(order.code);
  if (order.do === 'listen') {
    const server = createServer((socket) => socket.on('error', () => socket.destroy()));
    server.listen(order.port, address, () => tell({ listening: order.port }));
    servers.push(server);
  }
});
