// Listens on its sockets and says no word of SSMMP: ready by being reachable (R26).
import { createServer } from 'node:net';

for (const socket of process.argv[5].split(' & ').filter(Boolean))
  setTimeout(() => createServer((peer) => peer.end()).listen(Number(socket.split(', ')[1]), process.argv[4]), 50);
