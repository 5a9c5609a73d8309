// Baseline "bare base64 chain": the last link of chain.mjs for files. Two links of chain.mjs stand before it.
//
//     node files.mjs ADDRESS PORT FOLDER fsync|no-fsync
//
//     ID begin NAME           ID ok            opens a file to write
//     ID put OFFSET BASE64    ID OFFSET        decodes and writes a chunk, answers the next offset
//     ID end                  ID ok            closes the file; with `fsync` it is on disk then
//     ID get OFFSET MOST      ID OFFSET BASE64 reads a chunk, answers the next offset
//
// One file at a time and no check of anything: what is measured is base64, three hops and the disk.
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { onLines } from './line-socket.mjs';

const [address, port, folder, durability] = process.argv.slice(2);
let file = -1;

function handle(line, out) {
  const [id, verb, first, second] = line.split(' ');
  if (verb === 'begin') {
    if (file !== -1) closeSync(file);
    file = openSync(join(folder, first), 'w+');
    out(`${id} ok\n`);
  } else if (verb === 'put') {
    const bytes = Buffer.from(second, 'base64');
    writeSync(file, bytes, 0, bytes.length, Number(first));
    out(`${id} ${Number(first) + bytes.length}\n`);
  } else if (verb === 'end') {
    if (durability === 'fsync') fsyncSync(file);
    out(`${id} ok\n`);
  } else if (verb === 'get') {
    const bytes = Buffer.allocUnsafe(Number(second));
    const length = readSync(file, bytes, 0, bytes.length, Number(first));
    out(`${id} ${Number(first) + length} ${bytes.toString('base64', 0, length)}\n`);
  }
}

net.createServer((socket) => onLines(socket, handle)).listen(Number(port), address, () => console.log('ready'));
