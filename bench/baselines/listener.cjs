// Baseline "bare start": the least that a service can be. A TCP listener that says when it listens, and nothing else.
//
//     node listener.cjs ADDRESS PORT        PORT 0: any free one
//
// It writes `PORT\n` once it listens, as our services say hello; a bench measures from the spawn until its first connection.
// CommonJS, because a CommonJS program starts faster than an ES module and our bundles are CommonJS too.
const net = require('net');

const server = net.createServer((socket) => {
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy());
});
server.listen(Number(process.argv[3]), process.argv[2], () => process.stdout.write(`${server.address().port}\n`));
