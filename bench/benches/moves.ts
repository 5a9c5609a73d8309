// Instances that come, go and move while users work: what a user notices of it.
//
// One real Manager, two nodes. The gateway has two ways: to `who`, which answers with its instance id and is scaled 1 → 2 → 1,
// and to `front` with its store, which migrate to and fro. The load never stops; what is compared lies seconds apart on the
// same connections. Scaling is on the operator's wish alone (`scaling: none`), else the load would start replicas itself.
//
// The bare start of a scale is measured under the same load. Its users pause between requests, so that a core is
// free now and then; a start on a machine that is full measures the machine.
import type { Bench } from '../lib/bench.ts';
import { bareStart } from '../lib/bare-start.ts';
import { Operator } from '../lib/operator.ts';
import { compared, type Row } from '../lib/report.ts';
import { beforeAndDuring, turnByTurn } from '../lib/rounds.ts';
import { benchService } from '../lib/services.ts';
import { SteadyLoad } from '../lib/steady-load.ts';
import { spread } from '../lib/stats.ts';
import { connectWhenThere, startTestbed, type GraphFile, type RepositoryFile } from '../lib/testbed.ts';

const MANAGER = '127.0.56.1';
const NODES = ['127.0.56.11', '127.0.56.12'];
const USER_PORT = 8080;
const CLIENTS = 16;
const PACE_MS = 10;
const SECOND_MS = 1000;
/** After a move: the instance that came compiles its hot code, the plugs open their sessions. */
const SETTLE_MS = { full: 500, quick: 100 };

const GRAPH: GraphFile = {
  services: {
    gateway: { kind: 'gateway', public: { 'user-socket': USER_PORT }, replicas: { min: 1, max: 1 } },
    who: { kind: 'service', replicas: { min: 1, max: 2 } },
    front: { kind: 'service', replicas: { min: 1, max: 1 } },
    store: { kind: 'baas' },
  },
  edges: [
    ['gateway', ['who', 'who-socket'], 'who'],
    ['gateway', ['echo', 'front-socket'], 'front'],
    ['front', ['store-plug', 'store-socket'], 'store'],
  ],
  policies: { scaling: 'none' },
};

export const bench: Bench = async ({ quick }) => {
  const files = { gateway: 'echo-gateway', who: 'who', front: 'echo-service', store: 'echo-store' };
  const repository: RepositoryFile = {};
  for (const [service, file] of Object.entries(files))
    repository[service] = { run: [process.execPath, await benchService(file)] };
  const testbed = await startTestbed({ managerAddress: MANAGER, agentAddresses: NODES, graph: GRAPH, repository });
  try {
    const operator = new Operator(MANAGER, `${testbed.folder}/manager`);
    const address = await Promise.any(NODES.map((node) => connectWhenThere(node, USER_PORT).then(closed(node))));
    const settleMs = quick ? SETTLE_MS.quick : SETTLE_MS.full;
    const rows = await scaling(operator, address, quick ? 1 : 8, settleMs);
    rows.push(...(await migrating(operator, address, 'front', quick ? 1 : 16, settleMs)));
    rows.push(...(await migrating(operator, address, 'store', quick ? 1 : 4, settleMs)));
    return rows;
  } finally {
    await testbed.stop();
  }
};

/** `scale who 2` until the second one has answered; then back to one. */
async function scaling(operator: Operator, address: string, rounds: number, settleMs: number): Promise<Row[]> {
  const load = await SteadyLoad.start({
    address, port: USER_PORT, clients: CLIENTS, type: 'who_request', text: 'who', pauseMs: PACE_MS,
  }); // prettier-ignore
  try {
    const started: number[] = [];
    const before: number[] = [];
    const during: number[] = [];
    const found = await turnByTurn(
      rounds,
      async () => ({ start: await bareStart(address) }),
      async () => {
        await pause(settleMs);
        const from = performance.now();
        const newcomer = load.newcomer();
        const scaled = operator.command({ command: 'scale', service: 'who', replicas: 2 });
        void scaled.then(() => started.push(performance.now() - from));
        const start = (await newcomer) - from;
        await scaled;
        await pause(from + SECOND_MS - performance.now());
        before.push(load.stretch(from - settleMs, from).p99);
        during.push(load.stretch(from, from + SECOND_MS).p99);
        await operator.command({ command: 'scale', service: 'who', replicas: 1 });
        await pause(settleMs);
        return { start };
      },
    );
    const rate = load.stretch(performance.now() - settleMs, performance.now()).rate;
    // The warm-up round does not count.
    for (const values of [started, before, during]) values.shift();
    const ratio = spread(during.map((p99, round) => p99 / (before[round] as number)));
    return [
      compared('moves: scale to 2 until the new instance has answered a user', 'ms', found['start'], {
        limit: { atMost: 2 },
        note: `under ${Math.round(rate)} requests/s; the command was answered after ${spread(started).median.toFixed(0)} ms`,
      }),
      {
        figure: 'moves: p99 in the second of a scale to 2, against before',
        unit: 'ms',
        measured: spread(during),
        baseline: spread(before),
        ratio,
      },
    ];
  } finally {
    load.stop();
  }
}

/** A migration of the only instance of a service, users asking as fast as they are answered. */
async function migrating(
  operator: Operator,
  address: string,
  service: string,
  rounds: number,
  settleMs: number,
): Promise<Row[]> {
  const load = await SteadyLoad.start({
    address, port: USER_PORT, clients: CLIENTS, type: 'echo_request', text: 'a post of some forty characters, not more',
    pauseMs: 0,
  }); // prettier-ignore
  try {
    const took: number[] = [];
    const longest: number[] = [];
    const found = await beforeAndDuring(rounds, async () => {
      await pause(settleMs + SECOND_MS);
      const { service_instance_id } = await operator.instanceOf(service);
      const from = performance.now();
      await operator.command({ command: 'migrate', instance: String(service_instance_id) });
      const done = performance.now();
      took.push(done - from);
      // A migration that takes longer than a second is measured to its end.
      const to = Math.max(done, from + SECOND_MS);
      await pause(to - done);
      const during = load.stretch(from, to);
      longest.push(during.longest);
      const before = load.stretch(from - SECOND_MS, from);
      return { before: { rate: before.rate, p99: before.p99 }, during: { rate: during.rate, p99: during.p99 } };
    });
    const what = service === 'store' ? 'a store' : 'a service';
    return [
      compared(`moves: requests in the second of a migration of ${what}`, 'requests/s', found['rate'], {
        ...(service === 'store' ? {} : { limit: { atLeast: 0.8 } }),
        note: `it took ${spread(took).median.toFixed(0)} ms; the longest request ${spread(longest).median.toFixed(0)} ms, at most ${Math.max(...longest).toFixed(0)} ms`,
      }),
      compared(`moves: p99 in the second of a migration of ${what}`, 'ms', found['p99']),
    ];
  } finally {
    load.stop();
  }
}

function closed(node: string): (client: { socket: { destroy(): void } }) => string {
  return (client) => {
    client.socket.destroy();
    return node;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
