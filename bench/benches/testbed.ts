// The testbed as a whole: how soon `npm start` serves a user, and what it costs while nobody does anything.
//
// Linux only but for the first row: CPU and memory are read from /proc. Memory is the proportional set size: what Node's
// program file shares between ten processes is counted once and divided.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import { GATEWAY, GATEWAY_PORT, startApp, SUBNET, User } from '../lib/app.ts';
import { cpuMs, processTree, pssMb, ROOT, startNode, type Child } from '../lib/children.ts';
import type { Row } from '../lib/report.ts';
import { repeated } from '../lib/rounds.ts';
import { spread, type Spread } from '../lib/stats.ts';
import { connectWhenThere } from '../lib/testbed.ts';

const TEN = 10;

export const bench: Bench = async ({ quick }) => {
  const started = await repeated(quick ? 1 : 5, npmStart);
  const rows: Row[] = [
    {
      figure: 'testbed: npm start until a user is registered',
      unit: 's',
      measured: started['registered']!,
      limit: { atMost: 3 },
      note: 'built before; it includes the argon2id hash of the registration',
    },
    { figure: 'testbed: npm start until the gateway takes connections', unit: 's', measured: started['connected']! },
  ];
  if (process.platform === 'linux') rows.push(...(await idle(quick)));
  return rows;
};

/** `npm start` in a process group of its own, until a user has an answer; then Ctrl-C. */
async function npmStart(): Promise<{ registered: number; connected: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const begun = performance.now();
  const npm = spawn('npm', ['start', '--', '--subnet', SUBNET, '--state-dir', join(folder, 'state')], {
    cwd: ROOT,
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => npm.once('close', resolve));
  try {
    const client = await connectWhenThere(GATEWAY, GATEWAY_PORT);
    const connected = (performance.now() - begun) / 1000;
    const user = new User(client);
    await user.demand('registration_request', 'first-user', 'a password of some length');
    const registered = (performance.now() - begun) / 1000;
    user.close();
    return { registered, connected };
  } finally {
    process.kill(-(npm.pid as number), 'SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function idle(quick: boolean): Promise<Row[]> {
  const app = await startApp();
  try {
    // Everything runs: one request of each kind has started every service.
    const user = await User.connect();
    const token = await user.enter('bench-user', 'a password of some length');
    await user.demand('send_post_request', token, 'hello');
    await user.demand('retrieve_last_10_posts_request', token);
    await user.demand('list_files_request', token, '');
    user.close();
    const all = processTree(app.up.pid);
    // V8 collects garbage for some half a minute after the last work; that is not idleness.
    await pause(quick ? 2000 : 40_000);
    const seconds = quick ? 3 : 20;
    const before = all.map(cpuMs).reduce((sum, ms) => sum + ms, 0);
    await pause(seconds * 1000);
    const after = all.map(cpuMs).reduce((sum, ms) => sum + ms, 0);
    const percent = (after - before) / seconds / 10;
    const instances = all.filter((pid) => /services\/[a-z-]+\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    const listeners = await bareListeners();
    await pause(1000);
    // At one moment: what all share is divided by the number of processes that run.
    const [memory, bare] = [instances, listeners.map(({ pid }) => pid)].map((pids) => spread(pids.map(pssMb))) as [
      Spread,
      Spread,
    ];
    const highest = Math.max(...instances.map(pssMb));
    await Promise.all(listeners.map((listener) => listener.end()));
    return [
      {
        figure: 'testbed: CPU while idle',
        unit: '% of a core',
        measured: { median: percent, low: percent, high: percent },
        limit: { atMost: 1 },
        note: `${all.length} processes, over ${seconds} s`,
      },
      {
        figure: 'testbed: memory of an idle instance (PSS)',
        unit: 'MB',
        measured: memory,
        limit: { atMost: 15 },
        note: `${instances.length} instances ran; the largest has ${highest.toFixed(1)} MB`,
      },
      {
        figure: 'testbed: memory of an idle instance against an empty Node',
        unit: 'MB',
        measured: memory,
        baseline: bare,
        ratio: { median: memory.median / bare.median, low: memory.low / bare.high, high: memory.high / bare.low },
        limit: { atMost: 1.3 },
      },
    ];
  } finally {
    await app.stop();
  }
}

/** Ten bare listeners, once they listen. */
async function bareListeners(): Promise<Child[]> {
  const listeners = Array.from({ length: TEN }, () => startNode(['bench/baselines/listener.cjs', `${SUBNET}.21`, '0']));
  await Promise.all(listeners.map((listener) => listener.line(/^\d+$/)));
  return listeners;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
