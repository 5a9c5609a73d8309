// A warm session: `session_request` for a service that runs, until `session_response`, against two bare line-protocol hops.
//
// The way is instance → agent → Manager → agent → instance. The baseline is the same way over chain.mjs: client → link → echo
// and back. Both do one at a time with a pause in between, as sessions come in life. Once as it is, with the journal on disk before the answer, and once with `--no-flush`, which shows what that costs.
import type { Bench } from '../lib/bench.ts';
import { startNode } from '../lib/children.ts';
import { openClient, type LineClient } from '../lib/line-client.ts';
import { compared } from '../lib/report.ts';
import { turnByTurn, type Compared } from '../lib/rounds.ts';
import { benchService } from '../lib/services.ts';
import { median } from '../lib/stats.ts';
import { connectWhenThere, startTestbed } from '../lib/testbed.ts';

const MANAGER = '127.0.46.51';
const NODE = '127.0.46.61';
const USER_PORT = 8080;
/** Between two sessions, so that the end of one is not in the time of the next. As in services/opener.ts. */
const PAUSE_MS = 3;
/** About as long as a session_request is. */
const PADDING = 'x'.repeat(300);

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 2 : 12;
  const sessions = quick ? 50 : 200;
  const unflushed = await measure(rounds, sessions, ['--no-flush']);
  const flushed = await measure(rounds, sessions, []);
  return [
    compared('warm session: without the flush', 'ms', unflushed['granted'], { limit: { atMost: 2 } }),
    compared('warm session: with the flush', 'ms', flushed['granted'], { note: 'no limit; its cost is shown' }),
    compared('warm session: until connected, with the flush', 'ms', flushed['connected']),
  ];
};

async function measure(rounds: number, sessions: number, flags: string[]): Promise<Record<string, Compared>> {
  const echo = startNode(['bench/baselines/chain.mjs', NODE, '42002']);
  await echo.line(/^ready/);
  const link = startNode(['bench/baselines/chain.mjs', NODE, '42001', '42002']);
  await link.line(/^ready/);
  const testbed = await startTestbed({
    managerAddress: MANAGER,
    agentAddresses: [NODE],
    graph: {
      services: {
        opener: { kind: 'gateway', public: { 'user-socket': USER_PORT }, replicas: { min: 1, max: 1 } },
        store: { kind: 'baas' },
      },
      edges: [['opener', ['store-plug', 'echo-socket'], 'store']],
    },
    repository: {
      opener: { run: [process.execPath, await benchService('opener')] },
      store: { run: [process.execPath, await benchService('echo-store')] },
    },
    managerFlags: flags,
  });
  try {
    const opener = await connectWhenThere(NODE, USER_PORT);
    const bare = await openClient(NODE, 42001);
    await ask(opener, 1); // starts the store
    return await turnByTurn(
      rounds,
      async () => {
        const both = await askBare(bare, sessions);
        return { granted: both, connected: both };
      },
      () => ask(opener, sessions),
    );
  } finally {
    await testbed.stop();
    await Promise.all([link.end(), echo.end()]);
  }
}

/** As the opener does it: one at a time, with a pause in between. */
async function askBare(bare: LineClient, count: number): Promise<number> {
  const times: number[] = [];
  for (let id = 1; id <= count; id += 1) {
    const started = performance.now();
    await bare.ask(`${id} ${PADDING}`);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return median(times);
}

async function ask(opener: LineClient, count: number): Promise<{ granted: number; connected: number }> {
  const line = await opener.ask(String(count));
  if (line.startsWith('error')) throw new Error(line);
  const [granted = NaN, connected = NaN] = line.split(';').map((part) => median(part.split(' ').map(Number)));
  return { granted, connected };
}
