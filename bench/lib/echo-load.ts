// One side of a comparison on the data path: a load on a chain of processes, its rate, latency and CPU.
import { cpuMs, type Child } from './children.ts';
import { load, openClient, type Dialect } from './line-client.ts';
import type { Side } from './rounds.ts';
import { median } from './stats.ts';

export interface EchoLoad {
  readonly clients: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

/** `rate` in requests/s, `p50` in ms, `cpu` of the processes together in µs a request. */
export function echoSide(
  address: string,
  port: number,
  processes: readonly Child[],
  dialect: Dialect,
  size: EchoLoad,
): Side {
  return async () => {
    const users = await Promise.all(Array.from({ length: size.clients }, () => openClient(address, port)));
    await load(users, dialect, size.inFlight, size.durationMs / 10);
    const before = processes.map(({ pid }) => cpuMs(pid));
    const { requests, seconds, latencies } = await load(users, dialect, size.inFlight, size.durationMs);
    const cpu = processes.reduce((sum, { pid }, index) => sum + cpuMs(pid) - (before[index] as number), 0);
    for (const user of users) user.socket.removeAllListeners('close').destroy();
    return { rate: requests / seconds, p50: median(latencies), cpu: (1000 * cpu) / requests };
  };
}
