// A stranger's client of the social network, written from docs/cnapp.md alone: `client.mjs ADDRESS PORT`. Prints one JSON
// object of what it saw.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { lines, read, write } from './lines.mjs';

const [address, port] = process.argv.slice(2);
const gateway = connect(Number(port), address);
const waiting = new Map();
let messages = 30969;
lines(gateway, (line) => {
  const message = read(line);
  waiting.get(message.Message_id)?.(message);
});

const coded = (text) => encodeURIComponent(text).replaceAll("'", '%27').replaceAll('~', '%7E');

function ask(type, ...contents) {
  messages += 1;
  const id = String(messages);
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    gateway.write(write(['Type', type], ['Message_id', id], ...contents.map((text, n) => [`Line_${n + 1}`, text])));
  });
}

const user = `stranger-${randomBytes(4).toString('hex')}`;
const text = 'a ~ b: c, d\n%41 🙂';
const seen = {};
seen.registration = (await ask('registration_request', user, coded('correct horse 1'))).Status;
seen.again = (await ask('registration_request', user.toUpperCase(), coded('correct horse 1'))).Status;
seen.wrong = (await ask('login_request', user, 'wrong-password')).Status;
seen.unknown = (await ask('login_request', 'nobody-at-all', 'wrong-password')).Status;
const login = await ask('login_request', user, coded('correct horse 1'));
seen.login = login.Status;
const token = login.Line_3;
seen.post = (await ask('send_post_request', token, coded(text))).Status;
const posts = await ask('retrieve_last_10_posts_request', token);
const [, author, time, body] = posts.Line_3.split(', ');
seen.last = {
  status: posts.Status,
  author,
  text: decodeURIComponent(body) === text,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(decodeURIComponent(time)),
};

const bytes = randomBytes(100_000);
const hash = createHash('sha256').update(bytes).digest('hex');
const begin = await ask('send_file_begin_request', token, coded('a file, with ~.bin'), String(bytes.length), hash);
seen.begin = [begin.Status, begin.Line_4];
for (let at = 0; at < bytes.length; at += 32768) {
  const chunk = await ask(
    'send_file_chunk_request',
    token,
    begin.Line_3,
    String(at),
    bytes.subarray(at, at + 32768).toString('base64'),
  );
  seen.next = chunk.Line_3;
}
const early = await ask('send_file_chunk_request', token, begin.Line_3, '999999', 'AAAA');
seen.wrongOffset = [early.Status, early.Line_4];
seen.end = (await ask('send_file_end_request', token, begin.Line_3)).Status;
const parts = [];
for (let at = 0; at < bytes.length;) {
  const part = await ask('get_file_request', token, coded('a file, with ~.bin'), String(at), '50000');
  parts.push(Buffer.from(part.Line_3, 'base64'));
  at = Number(part.Line_4);
  seen.sha = part.Line_6 === hash;
}
seen.same = Buffer.concat(parts).equals(bytes);
const list = await ask('list_files_request', token, '');
seen.list = list.Line_3?.split(', ').slice(0, 2).map(decodeURIComponent);
seen.escape = (await ask('send_file_begin_request', token, coded('../escaped.txt'), '1', hash)).Status;
seen.missing = (await ask('get_file_request', token, 'nothing-here', '0', '10')).Status;
seen.nonsense = (await ask('dance_request', token)).Status;
seen.logout = (await ask('logout_request', token)).Status;
await new Promise((resolve) => setTimeout(resolve, 5000));
seen.afterLogout = (await ask('retrieve_last_10_posts_request', token)).Status;
gateway.write('what is this\n');
seen.garbage = await new Promise((resolve) => waiting.set('0', (message) => resolve([message.Type, message.Status])));
gateway.end();
console.log(JSON.stringify(seen));
