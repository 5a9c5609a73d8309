/**
 * Connecting a plug through a sidecar, where the repository gives the service one (SSMMP_FORWARDER).
 *
 * Lives here: the few words between a plug and its forwarder. Does not live here: any forwarder; lab 9 has one
 * (labs/09-what-a-sidecar-costs), and that lab is why this file is here: the mesh itself has no proxies.
 *
 *     plug: open ADDRESS DEST_ADDRESS DEST_PORT       forwarder: open PORT   or   failed refused|timeout|port_in_use
 *
 * ADDRESS is the plug's own, which the destination shall see (R18); PORT is the forwarder's outgoing port, which the destination
 * sees and the plug acknowledges, so that both ends and the Manager speak of one session (R19). From then on the connection to the forwarder is
 * the session.
 */
import { connect, type Socket } from 'node:net';
import { dial, type Dial } from './dialer.ts';

const FORWARDER = 'SSMMP_FORWARDER';
/** Longer is no answer of a forwarder. */
const ANSWER_CHARACTERS_MAX = 64;
const FAILURES = ['refused', 'timeout', 'port_in_use'] as const;

/** How the plugs of this process dial. Throws where SSMMP_FORWARDER is no `ADDRESS:PORT`. */
export function dialerOf(env: Readonly<Record<string, string>>): Dial {
  const forwarder = env[FORWARDER];
  if (forwarder === undefined) return dial;
  const [, host, port] = /^(.+):([0-9]{1,5})$/.exec(forwarder) ?? [];
  if (host === undefined)
    throw new Error(`${FORWARDER} is '${forwarder}'; expected ADDRESS:PORT, such as 127.0.0.11:15001`);
  return forwarderDialer(host, Number(port));
}

function forwarderDialer(host: string, port: number): Dial {
  return (sourceAddress, _sourcePort, destAddress, destPort, events) => {
    const socket = connect({ host, port, noDelay: true });
    let answer = '';
    const done = (): void => {
      socket.off('error', failed).off('close', failed).off('data', read);
      socket.on('error', ignore); // whoever takes the socket sees that it is closed
    };
    const failed = (): void => {
      done();
      socket.destroy();
      const words = FAILURES.find((why) => answer === `failed ${why}`);
      events.failed(words ?? 'refused');
    };
    const read = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\n');
      if (end === -1 && answer.length <= ANSWER_CHARACTERS_MAX) return;
      const [, seen] = /^open ([0-9]{1,5})\n$/.exec(answer) ?? [];
      answer = answer.slice(0, end);
      if (seen === undefined) return failed();
      socket.pause();
      done();
      events.dialed(resumed(socket), Number(seen));
    };
    socket.on('error', failed).on('close', failed).on('data', read);
    socket.write(`open ${sourceAddress} ${destAddress} ${destPort}\n`);
    return () => {
      done();
      socket.destroy();
    };
  };
}

/** It was paused so that no byte is lost between two readers. */
function resumed(socket: Socket): Socket {
  setImmediate(() => socket.resume());
  return socket;
}

function ignore(): void {
  return;
}
