/**
 * The command line of `npm run sim`.
 *
 * Lives here: its options and its help. Does not live here: what is done.
 */
import { parseArgs } from 'node:util';
import type { DiagramFormat } from '../sim/diagram.ts';

export interface SimOptions {
  /** One seed, or `count` of them. */
  readonly seed: number | null;
  readonly from: number;
  readonly count: number;
  readonly steps: number;
  readonly only: readonly number[] | null;
  readonly workers: number;
  readonly format: DiagramFormat;
  readonly lines: number;
  readonly isShrunk: boolean;
  readonly seconds: number | null;
  /** Many seeds end when so many have failed. */
  readonly failures: number;
}

/** Events before everything is healed, unless told otherwise. */
export const STEPS = 2_000;
/** After so many failing seeds there is enough to look at, unless told otherwise. */
const FAILURES = 5;

export const HELP = `npm run sim: a whole cluster of the production cores, with faults, from a seed

  npm run sim -- --seed 42                       one run: its hash, and a diagram when a law is broken
  npm run sim -- --seeds 1000                    a thousand seeds on all cores, and what they reached
  npm run sim -- --seeds 10000 --from 5000       … from seed 5000 on
  npm run sim -- --seeds 100000 --seconds 300    … as many of them as fit into five minutes
  npm run sim -- --seed 42 --faults 3,17         seed 42 with two of its faults only (a failing seed prints this line)
  npm run sim -- --seed 42 --format mermaid      the diagram for mermaid

  --steps M        events before everything is healed (${STEPS})
  --lines N        lines of a diagram (80)
  --workers N      processes (one a core)
  --failures N     many seeds: end when N have failed (${FAILURES})
  --no-shrink      a failing seed is shown as it is

Exit code 0: no law was broken; 1: one was; 64: this help was needed. docs/simulation.md explains the rest.
`;

/** The options, or a sentence that says what is wrong with them; null: help was asked for. */
export function readOptions(args: readonly string[], cores: number, fresh: () => number): SimOptions | string | null {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        steps: { type: 'string' },
        faults: { type: 'string' },
        workers: { type: 'string' },
        lines: { type: 'string' },
        format: { type: 'string', default: 'text' },
        seconds: { type: 'string' },
        failures: { type: 'string' },
        'no-shrink': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  if (values.help) return null;
  if (values.seed === undefined && values.seeds === undefined)
    return 'say --seed N for one run or --seeds COUNT for many';
  if (values.format !== 'text' && values.format !== 'mermaid')
    return `--format is text or mermaid, not ${values.format}`;
  const problems: string[] = [];
  const whole = (name: string, text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    const value = text === 'fresh' && name === 'from' ? fresh() : Number(text);
    if (!Number.isSafeInteger(value) || value < 0) problems.push(`--${name} is a whole number, not '${text}'`);
    return value;
  };
  const options: SimOptions = {
    seed: values.seed === undefined ? null : whole('seed', values.seed, 0),
    from: whole('from', values.from, 1),
    count: whole('seeds', values.seeds, 1),
    steps: whole('steps', values.steps, STEPS),
    only:
      values.faults === undefined
        ? null
        : values.faults
            .split(',')
            .filter(Boolean)
            .map((text) => whole('faults', text, 0)),
    workers: Math.max(1, whole('workers', values.workers, cores)),
    format: values.format,
    lines: whole('lines', values.lines, 80),
    isShrunk: !values['no-shrink'],
    seconds: values.seconds === undefined ? null : whole('seconds', values.seconds, 0),
    failures: Math.max(1, whole('failures', values.failures, FAILURES)),
  };
  return problems[0] ?? options;
}
