/**
 * The simulator of the clone with the cores of another folder; built over that folder and run as a program of its own.
 *
 *     judge SEED…            tells the check of each seed the law that it breaks, or null
 *     first WANT SEED…       the same, of the first WANT that break one
 *     find WANT FROM COUNT   … of COUNT seeds from FROM on
 *     show OPTIONS…          prints what `npm run sim` would, with its options
 *
 * Lives here: those four. Does not live here: the simulator (sim/), the words of its options (sim-cli/), which cores.
 */
import { tellCheck } from '../../runner/judge.ts';
import { failureOf } from '../../../sim-cli/report.ts';
import { readOptions, STEPS } from '../../../sim-cli/options.ts';
import { run } from '../../../sim/run.ts';

/** What a seed comes to. */
export interface Verdict {
  readonly seed: number;
  readonly events: number;
  /** Law and what broke it; null: every law holds. */
  readonly broken: { readonly law: string; readonly what: string; readonly event: number } | null;
}

function verdictOf(seed: number): Verdict {
  const { events, broken } = run({ seed, steps: STEPS });
  return { seed, events, broken };
}

/** Tells of the first `want` that break a law. */
function find(want: number, seeds: Iterable<number>): void {
  let found = 0;
  for (const seed of seeds) {
    if (found >= want) return;
    const verdict = verdictOf(seed);
    if (verdict.broken === null) continue;
    found += 1;
    tellCheck(verdict);
  }
}

const [mode, ...words] = process.argv.slice(2);
switch (mode) {
  case 'judge':
    for (const seed of words) tellCheck(verdictOf(Number(seed)));
    break;
  case 'first':
    find(Number(words[0]), words.slice(1).map(Number));
    break;
  case 'find': {
    const [want = 0, from = 1, count = 0] = words.map(Number);
    find(
      want,
      Array.from({ length: count }, (_, at) => from + at),
    );
    break;
  }
  case 'show':
    show(words[0] ?? '', words.slice(1));
    break;
  default:
    throw new Error(`judge, first, find or show, not '${mode}'`);
}

function show(command: string, args: readonly string[]): void {
  const options = readOptions(args, 1, () => 1);
  if (options === null || typeof options === 'string') {
    console.log(
      options ?? 'options: --seed N, --seeds COUNT, --from N, --faults 1,2, --lines N, --format mermaid, --no-shrink',
    );
    return;
  }
  const { seed, from, count, steps, only } = options;
  if (seed !== null) {
    const { events, broken } = run({ seed, steps, ...(only === null ? {} : { only }) });
    if (broken === null) console.log(`seed ${seed} holds every law, ${events} events`);
    else console.log(failureOf(seed, options, command));
    return;
  }
  const failed: number[] = [];
  for (let next = from; next < from + count; next += 1)
    if (run({ seed: next, steps }).broken !== null) failed.push(next);
  console.log(`${count} seeds from ${from}: ${count - failed.length} hold every law, ${failed.length} do not`);
  if (failed.length > 0) console.log(`break one: ${failed.join(', ')}`);
}
