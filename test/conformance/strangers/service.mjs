// A stranger's service: the relay of the specification's example, without our kit. It says no hello, knows no x_ line, and
// opens a session for every line it passes on.
import { connect, createServer } from 'node:net';
import { lines, read, write } from './lines.mjs';

const [name, id, address, socketText, plugText] = process.argv.slice(2);
const sockets = socketText === '' ? [] : socketText.split(' & ').map((text) => text.split(', '));
const plugs = plugText === '' ? [] : plugText.split(' & ').map((text) => text.split(', '));
const agent = connect({ host: address, port: Number(process.env.SSMMP_AGENT_PORT ?? 55556), localAddress: address });
const waiting = new Map();
let messages = 999;

lines(agent, (line) => {
  const message = read(line);
  if (message.type === 'session_response') waiting.get(message.message_id)?.(message);
  if (message.type === 'service_instance_health_request')
    agent.write(
      write(
        ['type', 'service_instance_health_response'],
        ['message_id', message.message_id],
        ['sub_type', 'service_instance_to_agent'],
        ['service_instance_id', id],
        ['status', 200],
      ),
    );
  // Its connections live as long as one line, so nothing is open when the Manager asks.
  if (message.type.endsWith('session_close_request')) {
    const source = message.type.startsWith('source');
    agent.write(
      write(
        ['type', message.type.replace('request', 'response')],
        ['message_id', message.message_id],
        ['sub_type', source ? 'source_service_to_agent' : 'dest_service_to_agent'],
        ['status', 404],
      ),
    );
  }
  if (message.type === 'graceful_shutdown_request')
    agent.end(
      write(
        ['type', 'graceful_shutdown_response'],
        ['message_id', message.message_id],
        ['sub_type', 'service_instance_to_agent'],
        ['status', 200],
      ),
      () => process.exit(0),
    );
});
agent.on('close', () => process.exit(0));

/** One line through one plug: request, connection, ack, line, close, report. */
function through([plug, socket, service], text) {
  messages += 1;
  const message_id = String(messages);
  return new Promise((resolve, reject) => {
    waiting.set(message_id, (granted) => {
      if (granted.status !== '200') return reject(new Error(`${service}: ${granted.status}`));
      const there = { host: granted.dest_service_instance_network_address, port: Number(granted.dest_socket_port) };
      const session = connect({ ...there, localAddress: address }, () => {
        const port = session.localPort;
        agent.write(
          write(
            ['type', 'session_ack'],
            ['message_id', message_id],
            ['sub_type', 'service_to_agent'],
            ['source_service_name', name],
            ['source_service_instance_id', id],
            ['source_plug_port', port],
            ['dest_socket_new_port', there.port],
            ['status', 200],
          ),
        );
        session.write(`${text}\n`);
        lines(session, (answer) => {
          session.end();
          agent.write(
            write(
              ['type', 'source_service_session_close_info'],
              ['message_id', message_id],
              ['sub_type', 'source_service_to_agent'],
              ['source_service_name', name],
              ['source_service_instance_id', id],
              ['source_service_instance_network_address', address],
              ['source_plug_name', plug],
              ['source_plug_port', port],
              ['dest_service_name', service],
              ['dest_service_instance_id', granted.dest_service_instance_id],
              ['dest_service_instance_network_address', there.host],
              ['dest_socket_name', socket],
              ['dest_socket_port', there.port],
              ['dest_socket_new_port', there.port],
              ['status', 111],
            ),
          );
          resolve(answer);
        });
      });
      session.on('error', reject);
    });
    agent.write(
      write(
        ['type', 'session_request'],
        ['message_id', message_id],
        ['sub_type', 'service_to_agent'],
        ['source_service_name', name],
        ['source_service_instance_id', id],
        ['source_service_instance_network_address', address],
        ['source_plug_name', plug],
        ['dest_service_name', service],
        ['dest_socket_name', socket],
      ),
    );
  });
}

for (const [, port] of sockets)
  createServer((caller) => {
    let turn = Promise.resolve();
    lines(caller, (line) => {
      turn = turn.then(async () => {
        const answers = [];
        for (const plug of plugs) answers.push(await through(plug, line).catch((error) => `!${error.message}`));
        caller.write(`${name}/${id}${answers.length === 0 ? '' : `(${answers.join(', ')})`}\n`);
      });
    });
  }).listen(Number(port), address);
