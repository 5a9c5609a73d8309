/**
 * `npm run sim`: runs the simulator.
 *
 * Lives here: the command. Does not live here: the simulator (sim/), which is pure and knows no process and no clock.
 * Data on stdout, talk on stderr.
 */
import { availableParallelism } from 'node:os';
import { run } from '../sim/run.ts';
import { runMany } from './many.ts';
import { HELP, readOptions } from './options.ts';
import { countsOf, failedLines, failureOf } from './report.ts';

/** Fresh seeds are numbers that nobody ran before: made of the time. */
const fresh = (): number => Math.floor(Date.now() / 1000) * 100_000;

const options = readOptions(process.argv.slice(2), availableParallelism(), fresh);
if (options === null) process.stdout.write(HELP);
else if (typeof options === 'string') {
  process.stderr.write(`sim: ${options}\n\n${HELP}`);
  process.exitCode = 64;
} else if (options.seed !== null) {
  const { seed, steps, only } = options;
  const result = run({ seed, steps, ...(only === null ? {} : { only }) });
  console.log(
    `seed ${seed}: hash ${result.hash}, ${result.events} events, ${result.acknowledged} operations acknowledged`,
  );
  if (result.broken !== null) {
    console.log(failureOf(seed, options));
    process.exitCode = 1;
  }
} else {
  const { from, count } = options;
  process.stderr.write(`seeds ${from} to ${from + count - 1}\n`);
  const startedMs = Date.now();
  const totals = await runMany(options, (text) => process.stderr.write(`${text}\n`));
  for (const { seed } of totals.failed) console.log(`${failureOf(seed, options)}\n`);
  console.log(countsOf(totals));
  const seconds = Math.max(1, Math.round((Date.now() - startedMs) / 1000));
  console.log(`\n${seconds} s, ${Math.round((totals.seeds * 60) / seconds)} seeds a minute`);
  for (const line of failedLines(totals, options.steps)) console.log(line);
  console.log(`${totals.seeds - totals.failed.length} passed, ${totals.failed.length} failed`);
  process.exitCode = totals.failed.length > 0 ? 1 : 0;
}
