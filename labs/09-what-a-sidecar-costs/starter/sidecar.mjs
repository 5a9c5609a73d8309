// A sidecar: node sidecar.mjs MODE PROGRAM… runs a service with a forwarding process beside it. MODE is forward or parse.
//
// What the service's plugs send goes through here on its way out, what comes for its sockets on its way in. So a
// session between two instances passes two sidecars:
//
//     plug -- 127.0.0.11:15001 -- out -- in: 127.0.0.12:62001 -- socket 127.0.0.12:54001
//
// The words before a session, all on one line each:
//   plug to its sidecar      open ADDRESS DEST_ADDRESS DEST_PORT
//   sidecar to the other     from ADDRESS
//   back, by each            open PORT (the port that the socket sees) or failed refused
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { forward, parse, counts } from './pass.mjs';

const IN_OFFSET = 8000; // the way in to port 54001 is port 62001
const FIRST_PORT = 20_000; // of our connections to sockets, as plugs have them (R22)
const LAST_PORT = 31_999;
const TRIES = 20;
const WORDS_MAX = 200;

const [mode, ...program] = process.argv.slice(2);
const [, , address, sockets = ''] = program.slice(-5);
const pass = { forward, parse }[mode];
if (pass === undefined || program.length < 6) {
  console.error('usage: node sidecar.mjs forward|parse PROGRAM… NAME ID ADDRESS SOCKETS PLUGS');
  process.exit(64);
}

/** The first line of a connection; what follows it stays in the socket. */
function firstLine(socket) {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = () => {
      for (let byte = socket.read(1); byte !== null; byte = socket.read(1)) {
        if (byte[0] === 10) {
          socket.off('readable', take);
          return resolve(text);
        }
        text += byte.toString('latin1');
        if (text.length > WORDS_MAX) return reject(new Error('no words of a sidecar'));
      }
    };
    socket.on('readable', take);
    socket.once('close', () => reject(new Error('closed')));
  });
}

const connected = (options) =>
  new Promise((resolve, reject) => {
    const socket = connect({ ...options, noDelay: true, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

/** Out: from a plug of this instance to the sidecar of the destination. */
async function out(plug) {
  const [, source, dest, port] = /^open (\S+) (\S+) ([0-9]+)$/.exec(await firstLine(plug)) ?? [];
  const other = await connected({ host: dest, port: Number(port) + IN_OFFSET });
  other.write(`from ${source}\n`);
  const answer = await firstLine(other);
  plug.write(`${answer}\n`);
  if (answer.startsWith('open ')) pass(plug, other);
  else plug.end();
}

/** In: from another sidecar to a socket of this instance, which sees the address of the plug. */
async function into(other, port) {
  const [, source] = /^from (\S+)$/.exec(await firstLine(other)) ?? [];
  for (let tries = 0; ; tries += 1) {
    const localPort = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      const socket = await connected({ host: address, port, localAddress: source, localPort });
      other.write(`open ${localPort}\n`);
      return pass(other, socket);
    } catch (error) {
      if (error.code === 'EADDRINUSE' && tries < TRIES) continue;
      return other.end('failed refused\n');
    }
  }
}

function serve(port, handle) {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      handle(socket).catch(() => socket.destroy()); // the other side is not there: the plug asks for another session
    });
    server.once('error', reject);
    server.listen(port, address, () => resolve(server.address().port));
  });
}

for (const socket of sockets === '' ? [] : sockets.split(' & ')) {
  const port = Number(socket.split(', ')[1]);
  if (port >= 54_000) await serve(port + IN_OFFSET, (other) => into(other, port)); // users come without a sidecar
}
const way = await serve(0, out);

const [file, ...args] = program;
const child = spawn(file, args, { env: { ...process.env, SSMMP_FORWARDER: `${address}:${way}` }, stdio: 'inherit' });
child.on('exit', (code, signal) => {
  if (mode === 'parse') console.log(JSON.stringify({ level: 30, msg: 'sidecar', parsed: Object.fromEntries(counts) }));
  process.exit(signal === null ? code : 1);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
