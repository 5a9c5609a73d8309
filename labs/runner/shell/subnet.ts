/**
 * A subnet for a cluster of one's own, among all that run on this machine.
 *
 * Lives here: choosing and holding one. Does not live here: addresses in it.
 *
 * Theory. Several checks may run at once, beside the student's own cluster on 127.0.0. Whoever listens on a certain port of
 * `<subnet>.2` holds the subnet; the system gives it back when the holder ends, however it ends, so there are no stale locks.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const HOLD_PORT = 55_571;
const TRIES_MAX = 200;
/** The subnet of a host with one loopback address only, where clusters cannot stand side by side. */
const ONLY_SUBNET = '127.0.0';

/** Takes a subnet that nobody holds. */
export async function takeSubnet(): Promise<{ readonly subnet: string; readonly release: () => void }> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const subnet = `127.${randomInt(64, 128)}.${randomInt(0, 256)}`;
    const outcome = await hold(`${subnet}.2`);
    if (typeof outcome === 'function') return { subnet, release: outcome };
    if (outcome === 'EADDRNOTAVAIL') return { subnet: ONLY_SUBNET, release: () => undefined };
  }
  throw new Error(`no free subnet among ${TRIES_MAX} that were tried`);
}

function hold(address: string): Promise<(() => void) | string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(HOLD_PORT, address, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}
