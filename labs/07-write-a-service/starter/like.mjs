// A user: node like.mjs like POST USER [OPERATION_ID] · node like.mjs count POST
import { connect } from 'node:net';

const [what, post, user, operation] = process.argv.slice(2);
const subnet = process.env.SSMMP_SUBNET ?? '127.0.0';
const lines = [`Type: ${what}_request`, 'Message_id: 1', `Post: ${post}`];
if (user !== undefined) lines.push(`User: ${user}`);
if (operation !== undefined) lines.push(`Operation_id: ${operation}`);

/** The gateway may run on any node. */
function ask(node) {
  const socket = connect({ host: `${subnet}.${10 + node}`, port: 8090 }, () => socket.write(`${lines.join(' ~ ')}\n`));
  let answer = '';
  socket.on('error', () => {
    if (node < 3) return ask(node + 1);
    console.error('no gateway listens on port 8090; is the cluster up?');
    process.exitCode = 3;
  });
  socket.on('data', (piece) => {
    answer += piece;
    if (!answer.includes('\n')) return;
    console.log(answer.trim());
    socket.end();
  });
}
ask(1);
