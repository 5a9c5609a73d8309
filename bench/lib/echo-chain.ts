// The data path that benches measure: gateway → service → store of bench/services, with a playing agent behind them.
import type { Child } from './children.ts';
import type { Dialect } from './line-client.ts';
import { playAgent } from './playing-agent.ts';
import { benchService } from './services.ts';

/** A request as users of the echo gateway write it. */
const TEXT = 'a post of some forty characters, not more';
const ANSWER = 'Type: echo_response ~ Message_id: ';

export const ECHO: Dialect = {
  request: (id) => `Type: echo_request ~ Message_id: ${id} ~ Line_1: ${TEXT}\n`,
  idOf: (line) => (line.startsWith(ANSWER) ? Number.parseInt(line.slice(ANSWER.length, ANSWER.length + 12), 10) : NaN),
};

/** The same on the bare chain. */
export const BARE_ECHO: Dialect = {
  request: (id) => `${id} ${TEXT}\n`,
  idOf: (line) => Number.parseInt(line, 10),
};

export interface EchoChain {
  readonly port: number;
  /** Gateway, service and store. */
  readonly processes: readonly Child[];
  stop(): Promise<void>;
}

/**
 * Starts the three at `address`, their sockets from `firstPort` on. `reachedAt` gives the port at which a socket's callers
 * find it instead of its own (a proxy's).
 */
export async function echoChain(
  address: string,
  agentPort: number,
  firstPort: number,
  reachedAt: Readonly<Record<string, number>> = {},
): Promise<EchoChain> {
  const agent = await playAgent(
    address,
    agentPort,
    [
      {
        service: 'store',
        file: await benchService('echo-store'),
        sockets: [{ socket: 'store-socket', port: firstPort + 2 }],
        plugs: [],
      },
      {
        service: 'service',
        file: await benchService('echo-service'),
        sockets: [{ socket: 'service-socket', port: firstPort + 1 }],
        plugs: [{ plug: 'store-plug', socket: 'store-socket', service: 'store' }],
      },
      {
        service: 'gateway',
        file: await benchService('echo-gateway'),
        sockets: [{ socket: 'user-socket', port: firstPort }],
        plugs: [{ plug: 'echo', socket: 'service-socket', service: 'service' }],
      },
    ],
    reachedAt,
  );
  return { port: firstPort, processes: [...agent.instances.values()], stop: () => agent.stop() };
}
