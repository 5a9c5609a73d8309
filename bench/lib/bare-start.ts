// The measure of every start: an empty Node listener, from its spawn until its first connection.
import { connect } from 'node:net';
import { startNode } from './children.ts';

/** Starts `count` bare listeners at once; milliseconds until each has had a connection. They are ended afterwards. */
export async function bareStart(address: string, count = 1): Promise<number> {
  const started = performance.now();
  const listeners = Array.from({ length: count }, () => startNode(['bench/baselines/listener.cjs', address, '0']));
  await Promise.all(
    listeners.map(async (listener) => {
      const port = Number(await listener.line(/^\d+$/));
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: address, port });
        socket.once('error', reject);
        socket.once('connect', () => {
          socket.destroy();
          resolve();
        });
      });
    }),
  );
  const took = performance.now() - started;
  await Promise.all(listeners.map((listener) => listener.end('SIGKILL')));
  return took;
}
