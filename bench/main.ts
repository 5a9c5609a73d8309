// `npm run bench [-- NAME… | --list | --quick]`: runs the named benches or all, prints a table, writes JSON.
//
// What every figure means and what its baseline is: bench/README.md. One bench is one file in bench/benches/; it gives rows.
import type { Bench } from './lib/bench.ts';
import { printTable, writeResults, type Row } from './lib/report.ts';

const BENCHES: Record<string, () => Promise<{ bench: Bench }>> = {
  'data-path': () => import('./benches/data-path.ts'),
  sidecar: () => import('./benches/sidecar.ts'),
  start: () => import('./benches/start.ts'),
  'warm-session': () => import('./benches/warm-session.ts'),
  moves: () => import('./benches/moves.ts'),
  manager: () => import('./benches/manager.ts'),
  restart: () => import('./benches/restart.ts'),
  files: () => import('./benches/files.ts'),
  app: () => import('./benches/app.ts'),
  testbed: () => import('./benches/testbed.ts'),
};

const args = process.argv.slice(2);
if (args.includes('--list')) {
  console.log(Object.keys(BENCHES).join('\n'));
  process.exit(0);
}
const names = args.filter((arg) => !arg.startsWith('-'));
const unknown = names.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(64);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const rows: Row[] = [];
let failed = 0;
for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`bench: ${name} …\n`);
  try {
    const { bench } = await load();
    const found = await bench({ quick: args.includes('--quick') });
    printTable(found);
    rows.push(...found);
  } catch (error) {
    failed += 1;
    console.error(`bench: ${name} could not be measured:`, error);
  }
}
if (rows.length > 0) {
  if (Object.keys(BENCHES).length > 1 && names.length !== 1) printTable(rows);
  console.log(`written to ${writeResults(rows)}`);
}
process.exit(failed > 0 ? 1 : 0);
