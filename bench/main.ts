// `npm run bench`: runs the named benches or all, prints a table, writes JSON.
//
// What every figure means and what its baseline is: bench/README.md. One bench is one file in bench/benches/; it gives rows.
import { Argument } from 'commander';
import { commandLine } from '../scripts/command-line.ts';
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

const command = commandLine('bench', 'what it costs: ratios against a bare baseline run beside it', [
  ['', 'all of them, some ten minutes'],
  ['start moves', 'these'],
  ['--quick', 'fewer rounds: does it run?'],
  ['--list', 'their names'],
])
  .addArgument(new Argument('[names...]', 'which').choices(Object.keys(BENCHES)))
  .option('--quick', 'fewer rounds, for a look', false)
  .option('--list', 'print the names and end', false)
  .addHelpText('after', '\nWhat each figure means: bench/README.md. The machine should do nothing else.')
  .parse();
const { quick, list } = command.opts<{ quick: boolean; list: boolean }>();
if (list) {
  console.log(Object.keys(BENCHES).join('\n'));
  process.exit(0);
}
const names = command.args;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const rows: Row[] = [];
let failed = 0;
for (const [name, load] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`bench: ${name} …\n`);
  try {
    const { bench } = await load();
    const found = await bench({ quick });
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
