import { spawn } from 'node:child_process';
import { writeFileSync, mkdirSync, rmSync, readFileSync } from 'node:fs';
import { manyAgentsGraph, ManyAgents } from '/work/main/bench/lib/many-agents.ts';
const dir = '/tmp/mshell/pm';
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
writeFileSync(dir + '/g.json', JSON.stringify(manyAgentsGraph(1000)));
const hold = Number(process.argv[2] ?? 10),
  inflight = Number(process.argv[3] ?? 1),
  prof = process.argv[4] === 'prof';
const m = spawn(
  process.execPath,
  [
    ...(prof ? ['--cpu-prof', '--cpu-prof-dir=/tmp/mshell/prof', '--cpu-prof-interval=500'] : []),
    ...(process.env.NODEOPT ? process.env.NODEOPT.split(' ') : []),
    process.env.MGR ?? '/work/main/dist/manager.js',
    '--graph',
    dir + '/g.json',
    '--address',
    '127.0.50.71',
    '--state-dir',
    dir + '/st',
    '--timer-scale',
    '100',
    ...process.argv.slice(5),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, SSMMP_LOG_LEVEL: 'warn' } },
);
await new Promise((r) =>
  m.stdout.on('data', (d) => {
    if (String(d).includes('ready')) r(0);
  }),
);
const a = await ManyAgents.connect(1000, '127.0.50.71', 55555);
await a.register();
await a.hold(hold);
const cpu = () => {
  const f = readFileSync(`/proc/${m.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(f[11]) + Number(f[12])) * 10;
};
await a.cycle(inflight, 1000);
const c0 = cpu(),
  t0 = performance.now();
const r = await a.cycle(inflight, 5000);
const dt = performance.now() - t0,
  c1 = cpu();
console.log(
  'messages/s',
  r,
  'cpu us/msg',
  (((c1 - c0) * 1000) / ((typeof r === 'number' ? r : (r as any).messages) * 1)).toFixed(2),
  'cpu share',
  ((c1 - c0) / dt).toFixed(2),
);
a.close();
m.kill('SIGTERM');
await new Promise((r) => m.on('exit', r));
process.exit(0);
