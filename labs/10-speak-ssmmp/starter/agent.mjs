// Your agent: node agent.mjs --address A --manager M --repository FILE
//
// It connects to the Manager and reads what it says. Everything else is yours. Write it in another language if you like:
// agent.json says how it is started.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const options = {};
for (let at = 2; at < process.argv.length; at += 2) options[process.argv[at].replace(/^--/, '')] = process.argv[at + 1];
const { address } = options;
const repository = JSON.parse(readFileSync(options.repository, 'utf8')).services;

/** The text of a message: `write(['type', 'initiation_request'], ['message_id', 1], …)`. */
const write = (...lines) => `${lines.map(([name, contents]) => `${name}: ${contents}`).join(' ~ ')}\n`;

const manager = connect({ host: options.manager, port: 55_555, localAddress: address });
manager.on('error', (error) => console.error(`no Manager: ${error.message}`));
manager.on('connect', () => {
  // TODO: register. The fields of initiation_request, in their order, are in docs/protocol.md.
  console.log(`connected; the repository holds ${Object.keys(repository).join(', ')}`);
  console.log(`a message begins like this: ${write(['type', 'initiation_request'], ['message_id', 1])}`);
});
manager.on('data', (chunk) => {
  // TODO: a chunk is not a message. It can hold half of one, or three.
  console.log(`the Manager says: ${chunk}`);
});

createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => console.log(`an instance says: ${chunk}`));
}).listen(55_556, address);
