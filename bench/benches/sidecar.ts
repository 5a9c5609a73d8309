// What sidecars would cost: the same data path with haproxy on both sides of each hop, against the data path as it is.
//
// One haproxy beside each instance, as sidecars stand: the gateway's takes what the gateway sends out, the service's what comes
// in for the service and what it sends out, the store's what comes in. Two hops, so four passes through a proxy each way. Plain
// TCP, one thread each, nothing logged or looked into: a mesh whose proxies also encrypt and count costs more. Only where
// haproxy is installed. CPU is that of instances and proxies together.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import type { Child } from '../lib/children.ts';
import { ECHO, echoChain } from '../lib/echo-chain.ts';
import { echoSide } from '../lib/echo-load.ts';
import { openClient } from '../lib/line-client.ts';
import { compared } from '../lib/report.ts';
import { turnByTurn, type Compared } from '../lib/rounds.ts';

const ADDRESS = '127.0.46.22';
const PLAIN_PORT = 54001;
const PROXIED_PORT = 54011;
const SERVICE_PORT = PROXIED_PORT + 1;
const STORE_PORT = PROXIED_PORT + 2;

/** Sidecar → the passes through it: where it listens and where to that goes. */
const SIDECARS: Record<string, ReadonlyArray<readonly [listen: number, to: number]>> = {
  gateway: [[43_001, 43_002]],
  service: [
    [43_002, SERVICE_PORT],
    [43_003, 43_004],
  ],
  store: [[43_004, STORE_PORT]],
};

export const bench: Bench = async ({ quick }) => {
  if (!isInstalled()) {
    console.error('bench: sidecar: haproxy is not installed; left out');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const proxies = Object.entries(SIDECARS).map(([name, passes]) => startProxy(folder, name, passes));
  const plain = await echoChain(ADDRESS, 55_656, PLAIN_PORT);
  const proxied = await echoChain(ADDRESS, 55_657, PROXIED_PORT, { 'service-socket': 43_001, 'store-socket': 43_003 });
  try {
    const withProxies = [...proxied.processes, ...proxies.map((process) => ({ pid: process.pid }) as Child)];
    // The first request of all opens the sessions through the proxies.
    (await openClient(ADDRESS, PROXIED_PORT)).socket.destroy();
    const measure = (clients: number, inFlight: number): Promise<Record<string, Compared>> => {
      const size = { clients, inFlight, durationMs: quick ? 300 : 700 };
      return turnByTurn(
        quick ? 2 : 12,
        echoSide(ADDRESS, PLAIN_PORT, plain.processes, ECHO, size),
        echoSide(ADDRESS, PROXIED_PORT, withProxies, ECHO, size),
      );
    };
    const one = await measure(1, 1);
    const many = await measure(64, 1);
    return [
      compared('sidecar: one client, p50 with haproxy against without', 'ms', one['p50'], {
        note: 'the issue names 2.1',
      }),
      compared('sidecar: one client, CPU a request', 'µs', one['cpu'], { note: 'the issue names 2.18' }),
      compared('sidecar: 64 clients', 'requests/s', many['rate']),
    ];
  } finally {
    await Promise.all([plain.stop(), proxied.stop()]);
    for (const proxy of proxies) proxy.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
};

function isInstalled(): boolean {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function startProxy(folder: string, name: string, passes: ReadonlyArray<readonly [number, number]>): ChildProcess {
  const file = join(folder, `${name}.cfg`);
  const head =
    'global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n';
  const parts = passes.map(
    ([listen, to]) => `listen p${listen}\n  bind ${ADDRESS}:${listen}\n  server s ${ADDRESS}:${to}\n`,
  );
  writeFileSync(file, head + parts.join(''));
  const proxy = spawn('haproxy', ['-q', '-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => proxy.kill('SIGKILL'));
  return proxy;
}
