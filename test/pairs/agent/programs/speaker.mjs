// A service as a stranger would write it from the specification's pages alone: plain Node, nothing of this project.
//
// Listens on its sockets, connects to its agent, says hello, answers health, ends gracefully (a moment after it said so),
// connects again when its agent is gone. Its plug_configuration decides nothing. A line on stdout tells its environment.
// With no arguments at all it is a spare: they come as one JSON line on stdin. Environment `ON_START`: `exit 3` ends it
// at once, `terminate` makes it end by its business logic once it has said hello.
import { connect, createServer } from 'node:net';

if (process.argv.length > 2) start(process.argv.slice(2));
else {
  let text = '';
  process.stdin.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    if (!text.includes('\n')) return;
    process.stdin.removeAllListeners('end').destroy();
    start(JSON.parse(text));
  });
  process.stdin.on('end', () => process.exit(0));
}

function start([service, id, address, sockets]) {
  console.log(JSON.stringify({ level: 30, msg: 'environment', pid: process.pid, env: process.env }));
  console.log(`plain words of ${service}`);
  if (process.env.ON_START === 'exit 3') process.exit(3);
  let left = 1;
  const listening = () => {
    left -= 1;
    if (left === 0) greet();
  };
  for (const socket of sockets.split(' & ').filter(Boolean)) {
    left += 1;
    createServer((peer) => peer.end()).listen(Number(socket.split(', ')[1]), address, listening);
  }
  listening();

  function greet() {
    const agent = connect(Number(process.env.SSMMP_AGENT_PORT ?? 55556), address);
    const say = (line) => agent.write(`${line}\n`);
    const to = 'sub_type: service_instance_to_agent';
    agent.on('error', () => undefined);
    agent.on('close', () => setTimeout(greet, 50));
    agent.on('connect', () => {
      say(`type: service_instance_health_response ~ message_id: 1 ~ ${to} ~ service_instance_id: ${id} ~ status: 200`);
      console.log('said hello');
      if (process.env.ON_START === 'terminate') {
        const where = `service_instance_network_address: ${address}`;
        say(
          `type: service_instance_termination_info ~ message_id: 1000 ~ ${to} ~ service_name: ${service} ~ service_instance_id: ${id} ~ ${where}`,
        );
        agent.end(() => process.exit(0));
      }
    });
    let held = '';
    agent.setEncoding('latin1').on('data', (chunk) => {
      const lines = (held + chunk).split('\n');
      held = lines.pop();
      for (const line of lines) {
        const messageId = /message_id: (\d+)/.exec(line)?.[1];
        if (line.includes('service_instance_health_request'))
          say(
            `type: service_instance_health_response ~ message_id: ${messageId} ~ ${to} ~ service_instance_id: ${id} ~ status: 200 ~ x_load: 0.5`,
          );
        if (line.includes('graceful_shutdown_request')) {
          say(`type: graceful_shutdown_response ~ message_id: ${messageId} ~ ${to} ~ status: 200`);
          setTimeout(() => process.exit(0), 300);
        }
      }
    });
  }
}
