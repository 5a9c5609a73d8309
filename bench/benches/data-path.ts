// The data path: user → gateway → service → BaaS echo and back, three processes, against a bare chain of three.
//
// No Manager and no agent of ours takes part: sessions are set up once by the playing agent, and then requests pass between the
// instances alone. Three loads: one client that waits for each answer (latency), 64 clients that each wait (many users), and 64
// clients with eight requests each (pipelined). CPU is that of the three processes, without the client's.
import type { Bench } from '../lib/bench.ts';
import { startNode, type Child } from '../lib/children.ts';
import { BARE_ECHO, ECHO, echoChain } from '../lib/echo-chain.ts';
import { echoSide } from '../lib/echo-load.ts';
import { compared } from '../lib/report.ts';
import { turnByTurn, type Compared } from '../lib/rounds.ts';

const ADDRESS = '127.0.46.21';
const AGENT_PORT = 55656;
const BARE_PORT = 42001;
const PORT = 54001;

export const bench: Bench = async ({ quick }) => {
  const bare = await startBareChain();
  const chain = await echoChain(ADDRESS, AGENT_PORT, PORT);
  const measure = (clients: number, inFlight: number): Promise<Record<string, Compared>> => {
    const size = { clients, inFlight, durationMs: quick ? 300 : 700 };
    return turnByTurn(
      quick ? 2 : 12,
      echoSide(ADDRESS, BARE_PORT, bare, BARE_ECHO, size),
      echoSide(ADDRESS, PORT, chain.processes, ECHO, size),
    );
  };
  const one = await measure(1, 1);
  const many = await measure(64, 1);
  const pipelined = await measure(64, 8);
  await Promise.all([...bare.map((child) => child.end()), chain.stop()]);
  return [
    compared('data path: one client, p50', 'ms', one['p50'], {
      limit: { atMost: 1.05 },
      reference: { value: 0.16, moreIsBetter: false },
    }),
    compared('data path: one client, CPU a request', 'µs', one['cpu'], { limit: { atMost: 1.05 } }),
    compared('data path: 64 clients', 'requests/s', many['rate'], {
      limit: { atLeast: 0.97 },
      reference: { value: 43_700, moreIsBetter: true },
    }),
    compared('data path: 64 clients, CPU a request', 'µs', many['cpu'], { limit: { atMost: 1.05 } }),
    compared('data path: 512 in flight', 'requests/s', pipelined['rate'], {
      limit: { atLeast: 0.85 },
      reference: { value: 224_000, moreIsBetter: true },
    }),
    compared('data path: 512 in flight, CPU a request', 'µs', pipelined['cpu']),
  ];
};

async function startBareChain(): Promise<Child[]> {
  const chain: Child[] = [];
  for (const ports of [['42003'], ['42002', '42003'], [String(BARE_PORT), '42002']]) {
    const link = startNode(['bench/baselines/chain.mjs', ADDRESS, ...ports]);
    await link.line(/^ready/);
    chain.push(link);
  }
  return chain;
}
