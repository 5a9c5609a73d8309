// Makes a damaged copy of a journal; the journal itself stays as it is.
//
//     node damage.mjs cut 61234 before torn        its newest segment ends before byte 61234, as after a torn write
//     node damage.mjs flip 30000 before damaged    one bit of byte 30000 is another one, as on a bad disk
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [how, text, from, to] = process.argv.slice(2);
const at = Number(text);
if ((how !== 'cut' && how !== 'flip') || !Number.isSafeInteger(at) || at < 0 || to === undefined || from === to) {
  console.error('usage: node damage.mjs cut|flip BYTE FROM TO');
  process.exit(64);
}
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true });
const newest = readdirSync(to)
  .filter((name) => /^journal-\d{16}\.jsonl$/.test(name))
  .sort()
  .at(-1);
if (newest === undefined) {
  console.error(`${from} holds no journal`);
  process.exit(1);
}
const bytes = readFileSync(join(to, newest));
if (at >= bytes.length) {
  console.error(`${newest} has ${bytes.length} bytes only`);
  process.exit(1);
}
if (how === 'flip') bytes[at] ^= 1;
writeFileSync(join(to, newest), how === 'cut' ? bytes.subarray(0, at) : bytes);
console.log(
  how === 'cut' ? `${to}/${newest} ends before byte ${at}` : `one bit of byte ${at} of ${to}/${newest} is flipped`,
);
