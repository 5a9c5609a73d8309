// From nothing to a session: a request for a service of which no instance runs, against the start of a bare listener.
//
// The graph has one gateway and many equal services, each asked for once, so that every request finds nothing. Measured is
// what a user sees: from the request at the gateway to the answer, which came over the new session. One service at a time, ten
// at once, a service together with its store, and one at a time with a warm spare (a process started beforehand that is handed
// its role).
import type { Bench } from '../lib/bench.ts';
import { bareStart } from '../lib/bare-start.ts';
import type { LineClient } from '../lib/line-client.ts';
import { compared, type Row } from '../lib/report.ts';
import { turnByTurn, type Compared } from '../lib/rounds.ts';
import { benchService } from '../lib/services.ts';
import { connectWhenThere, startTestbed, type GraphFile, type RepositoryFile } from '../lib/testbed.ts';

const MANAGER = '127.0.46.31';
const NODE = '127.0.46.41';
const USER_PORT = 8080;
const TEN = 10;
/** A spare is handed over in a few milliseconds; the next one must be ready before the next request. */
const SPARE_PAUSE_MS = 300;
/** An agent starts its spares one after the other. */
const SPARE_UP_MS = 150;

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 2 : 15;
  const cold = await measure(rounds, TEN, {});
  const rows: Row[] = [
    compared('start: from nothing to a session', 'ms', cold['one'], {
      limit: { atMost: 1.3 },
      reference: { value: 26, moreIsBetter: false },
    }),
    compared('start: ten instances at once', 'ms', cold['ten'], {
      limit: { atMost: 1.3 },
      reference: { value: 142, moreIsBetter: false },
    }),
  ];
  const pairs = await measurePairs(rounds);
  rows.push(compared('start: a service and its store', 'ms', pairs['pair'], { limit: { atMost: 1.7 } }));
  const spare = await measure(rounds, 0, { spares: 1 });
  rows.push(compared('start: with a warm spare', 'ms', spare['one'], { limit: { atMost: 0.3 } }));
  return rows;
};

/** Runs `rounds` of single starts, and as many of `atOnce` starts where that is not 0. */
async function measure(
  rounds: number,
  atOnce: number,
  service: { spares?: number },
): Promise<Record<string, Compared>> {
  const names = Array.from({ length: (rounds + 1) * (1 + atOnce) }, (_, index) => `s${index + 1}`);
  const graph: GraphFile = {
    services: {
      gateway: { kind: 'gateway', public: { 'user-socket': USER_PORT }, replicas: { min: 1, max: 1 } },
      ...Object.fromEntries(names.map((name) => [name, { kind: 'service', replicas: { min: 0, max: 1 } }])),
    },
    edges: names.map((name) => ['gateway', [name, `${name}-socket`], name]),
  };
  const store = await benchService('echo-store');
  const repository: RepositoryFile = {
    gateway: { run: [process.execPath, await benchService('echo-gateway')] },
    ...Object.fromEntries(names.map((name) => [name, { run: [process.execPath, store], plugs: [], ...service }])),
  };
  const testbed = await startTestbed({ managerAddress: MANAGER, agentAddresses: [NODE], graph, repository });
  try {
    const user = await connectWhenThere(NODE, USER_PORT);
    if (service.spares) await new Promise((resolve) => setTimeout(resolve, SPARE_UP_MS * names.length));
    let next = 0;
    const pause = (): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, service.spares ? SPARE_PAUSE_MS : 50));
    return await turnByTurn(
      rounds,
      async () => ({
        one: await bareStart(NODE),
        ...(atOnce > 0 ? { ten: await bareStart(NODE, atOnce) } : {}),
      }),
      async () => {
        await pause();
        const one = await coldRequests(user, [names[next++] as string]);
        if (atOnce === 0) return { one };
        await pause();
        const ten = await coldRequests(user, names.slice(next, (next += atOnce)));
        return { one, ten };
      },
    );
  } finally {
    await testbed.stop();
  }
}

/** Services with a store each, so that a request finds neither. */
async function measurePairs(rounds: number): Promise<Record<string, Compared>> {
  const numbers = Array.from({ length: rounds + 1 }, (_, index) => index + 1);
  const none = { replicas: { min: 0, max: 1 } };
  const graph: GraphFile = {
    services: {
      gateway: { kind: 'gateway', public: { 'user-socket': USER_PORT }, replicas: { min: 1, max: 1 } },
      ...Object.fromEntries(numbers.map((n) => [`s${n}`, { kind: 'service', ...none }])),
      ...Object.fromEntries(numbers.map((n) => [`store${n}`, { kind: 'baas', ...none }])),
    },
    edges: [
      ...numbers.map((n) => ['gateway', [`s${n}`, `s${n}-socket`], `s${n}`] as const),
      ...numbers.map((n) => [`s${n}`, ['store-plug', `store${n}-socket`], `store${n}`] as const),
    ],
  };
  const files = { gateway: 'echo-gateway', s: 'echo-service', store: 'echo-store' };
  const repository: RepositoryFile = {};
  for (const name of Object.keys(graph.services)) {
    const file = files[name.replace(/\d+$/, '') as keyof typeof files];
    repository[name] = { run: [process.execPath, await benchService(file)] };
  }
  const testbed = await startTestbed({ managerAddress: MANAGER, agentAddresses: [NODE], graph, repository });
  try {
    const user = await connectWhenThere(NODE, USER_PORT);
    let next = 0;
    return await turnByTurn(
      rounds,
      async () => ({ pair: await bareStart(NODE) }),
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { pair: await coldRequests(user, [`s${(next += 1)}`]) };
      },
    );
  } finally {
    await testbed.stop();
  }
}

/** One request for each of the services, all at once; milliseconds until the last answer. */
function coldRequests(user: LineClient, services: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let open = services.length;
    const started = performance.now();
    user.onLine = (line) => {
      if (!line.startsWith('Type: echo_response')) return reject(new Error(`a start failed: ${line}`));
      open -= 1;
      if (open === 0) resolve(performance.now() - started);
    };
    user.socket.write(services.map((name, index) => `Type: ${name}_request ~ Message_id: ${index + 1}\n`).join(''));
  });
}
