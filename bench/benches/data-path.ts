// The data path: user → gateway → service → BaaS echo and back, three processes, against a bare chain of three.
//
// No Manager and no agent of ours takes part: sessions are set up once by the playing agent, and then requests pass between the
// instances alone. Three loads: one client that waits for each answer (latency), 64 clients that each wait (many users), and 64
// clients with eight requests each (pipelined). CPU is that of the three processes, without the client's.
import type { Bench } from '../main.ts';
import { cpuMs, startNode, type Child } from '../lib/children.ts';
import { load, openClient, type Dialect } from '../lib/line-client.ts';
import { playAgent } from '../lib/playing-agent.ts';
import { compared } from '../lib/report.ts';
import { turnByTurn, type Side } from '../lib/rounds.ts';
import { benchService } from '../lib/services.ts';
import { median } from '../lib/stats.ts';

const ADDRESS = '127.0.46.21';
const AGENT_PORT = 55656;
const TEXT = 'a post of some forty characters, not more';

const BARE: Dialect = {
  request: (id) => `${id} ${TEXT}\n`,
  idOf: (line) => Number.parseInt(line, 10),
};

const OURS: Dialect = {
  request: (id) => `Type: echo_request ~ Message_id: ${id} ~ Line_1: ${TEXT}\n`,
  idOf: (line) => (line.startsWith(ANSWER) ? Number.parseInt(line.slice(ANSWER.length, ANSWER.length + 12), 10) : NaN),
};
const ANSWER = 'Type: echo_response ~ Message_id: ';

const LOADS = [
  { name: 'one', clients: 1, inFlight: 1 },
  { name: '64', clients: 64, inFlight: 1 },
  { name: '512', clients: 64, inFlight: 8 },
] as const;

export const bench: Bench = async ({ quick }) => {
  const durationMs = quick ? 300 : 1000;
  const bare = await startBareChain();
  const agent = await playAgent(ADDRESS, AGENT_PORT, [
    {
      service: 'store',
      file: await benchService('echo-store'),
      sockets: [{ socket: 'echo-socket', port: 54003 }],
      plugs: [],
    },
    {
      service: 'service',
      file: await benchService('echo-service'),
      sockets: [{ socket: 'service-socket', port: 54002 }],
      plugs: [{ plug: 'store-plug', socket: 'echo-socket', service: 'store' }],
    },
    {
      service: 'gateway',
      file: await benchService('echo-gateway'),
      sockets: [{ socket: 'user-socket', port: 54001 }],
      plugs: [{ plug: 'echo', socket: 'service-socket', service: 'service' }],
    },
  ]);
  const results = await turnByTurn(
    quick ? 2 : 12,
    side(bare, 42001, BARE, durationMs),
    side([...agent.instances.values()], 54001, OURS, durationMs),
  );
  await Promise.all([...bare.map((child) => child.end()), agent.stop()]);
  return [
    compared('data path: one client, p50', 'ms', results['one p50'], {
      limit: { atMost: 1.05 },
      reference: { value: 0.16, moreIsBetter: false },
    }),
    compared('data path: one client, CPU a request', 'µs', results['one cpu'], { limit: { atMost: 1.05 } }),
    compared('data path: 64 clients', 'requests/s', results['64 rate'], {
      limit: { atLeast: 0.97 },
      reference: { value: 43_700, moreIsBetter: true },
    }),
    compared('data path: 64 clients, CPU a request', 'µs', results['64 cpu'], { limit: { atMost: 1.05 } }),
    compared('data path: 512 in flight', 'requests/s', results['512 rate'], {
      limit: { atLeast: 0.85 },
      reference: { value: 224_000, moreIsBetter: true },
    }),
    compared('data path: 512 in flight, CPU a request', 'µs', results['512 cpu']),
  ];
};

async function startBareChain(): Promise<Child[]> {
  const chain: Child[] = [];
  for (const ports of [['42003'], ['42002', '42003'], ['42001', '42002']]) {
    const link = startNode(['bench/baselines/chain.mjs', ADDRESS, ...ports]);
    await link.line(/^ready/);
    chain.push(link);
  }
  return chain;
}

function side(processes: readonly Child[], port: number, dialect: Dialect, durationMs: number): Side {
  return async () => {
    const figures: Record<string, number> = {};
    for (const { name, clients, inFlight } of LOADS) {
      const users = await Promise.all(Array.from({ length: clients }, () => openClient(ADDRESS, port)));
      await load(users, dialect, inFlight, durationMs / 10);
      const before = processes.map(({ pid }) => cpuMs(pid));
      const { requests, seconds, latencies } = await load(users, dialect, inFlight, durationMs);
      const cpu = processes.reduce((sum, { pid }, index) => sum + cpuMs(pid) - (before[index] as number), 0);
      for (const user of users) user.socket.removeAllListeners('close').destroy();
      figures[`${name} rate`] = requests / seconds;
      figures[`${name} p50`] = median(latencies);
      figures[`${name} cpu`] = (1000 * cpu) / requests;
    }
    return figures;
  };
}
