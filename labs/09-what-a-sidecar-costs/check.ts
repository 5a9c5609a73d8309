/**
 * Lab 9: what a sidecar costs.
 *
 * Lives here: what each item expects. Does not live here: the sidecar (starter/), the trial of a student's two functions
 * (driver/harness.mjs).
 *
 * Theory. Latency on a machine that does other things is a rumour; CPU a request repeats. So a student's figures are held against
 * a short measurement of the check's own by their shape alone: which is dearer, and whether by a like factor.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineChecks, expectEqual, expectThat, Unmet } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';
import { anySubnets } from './subnets.ts';

const VARIANTS = ['direct', 'forward', 'parse'] as const;
type Variant = (typeof VARIANTS)[number];
const ROUNDS_MIN = 3;
/** An answer may be rounded. */
const ROUNDED_PERCENT = 1;
/** Two measurements of one ratio on one machine differ by less than this factor. */
const LIKE_FACTOR = 2.5;
/** Each session has a sidecar at both ends; a post takes two sessions there, and its answer the same way back. */
const PASSAGES = 8;

const figure = z.number().positive();
const rowShape = z.strictObject({
  variant: z.enum(VARIANTS),
  round: z.number().int().positive(),
  p50_ms: figure,
  p95_ms: figure,
  p99_ms: figure,
  rate: figure,
  cpu_us_a_request: figure.nullable(),
  memory_mb: figure.nullable(),
  processes: z.number().int().positive().nullable(),
  errors: z.number().int(),
});
type Row = z.infer<typeof rowShape>;
type Figure = 'p50_ms' | 'cpu_us_a_request' | 'processes';

const perVariant = z.strictObject({ forward: z.number(), parse: z.number() });
const answersShape = z.strictObject({
  passages_of_a_post: z.number().int(),
  p50_added_percent: perVariant,
  cpu_added_percent: perVariant.or(z.strictObject({ forward: z.null(), parse: z.null() })),
  processes_added: z.number().int().nullable(),
});

/** What measure.mjs wrote. */
function measured(work: Work): readonly Row[] {
  const file = 'measured.json';
  const rows = work.yaml(file, z.array(rowShape)); // JSON is YAML
  for (const variant of VARIANTS) {
    const rounds = rows.filter((row) => row.variant === variant).length;
    expectThat(rounds >= ROUNDS_MIN, {
      expected: `at least ${ROUNDS_MIN} rounds of ${variant} in ${file}`,
      came: `${rounds}`,
      remark: 'One round has no spread, so nobody can say whether a difference is one.',
    });
  }
  const order = rows.map(({ variant }) => variant).join(' ');
  const turns = Array.from({ length: rows.length / VARIANTS.length }, () => VARIANTS.join(' ')).join(' ');
  expectEqual('the order of the rounds', order, turns, {
    remark: 'Turn by turn: what else the machine did must hit all three alike.',
  });
  return rows;
}

/** The middle of a figure over the rounds; null where it was not measured. */
function middle(rows: readonly Row[], variant: Variant, name: Figure): number | null {
  const values = rows.filter((row) => row.variant === variant).map((row) => row[name]);
  if (values.some((value) => value === null)) return null;
  return (values as number[]).sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? null;
}

/** Tries one thing with the student's pass.mjs. */
async function tried(work: Work, mode: 'forward' | 'parse', test: string, says: string): Promise<void> {
  work.text('pass.mjs');
  const harness = join(work.places.root, 'labs', work.lab, 'driver', 'harness.mjs');
  const ran = await work.judged<{ came: string; expected: string }>(
    harness,
    [work.path('pass.mjs'), mode, test],
    20_000,
  );
  const [told] = ran.told;
  if (told === undefined)
    throw new Unmet({ expected: `${mode}: ${says}`, came: `pass.mjs ended with code ${ran.code}\n${ran.err.trim()}` });
  const { came, expected } = told;
  expectThat(came === expected, { expected: `${mode}: ${says}: ${expected}`, came });
}

export const checks = defineChecks({
  async 'passes-bytes'(work) {
    await tried(work, 'forward', 'bytes', 'a megabyte each way, unchanged');
    await tried(work, 'forward', 'halves', 'one side ends, the other still answers');
    await tried(work, 'forward', 'breaks', 'one side breaks, so does the other');
    await tried(work, 'forward', 'slow', 'a slow reader slows the writer down');
  },

  async 'reads-messages'(work) {
    await tried(work, 'parse', 'messages', 'cut and glued messages go on as they are, and are counted by type');
    await tried(work, 'parse', 'bytes', 'a megabyte each way, unchanged');
    await tried(work, 'parse', 'halves', 'one side ends, the other still answers');
    await tried(work, 'parse', 'breaks', 'one side breaks, so does the other');
    await tried(work, 'parse', 'slow', 'a slow reader slows the writer down');
  },

  async measured(work) {
    const rows = measured(work);
    const failed = rows.find(({ errors }) => errors > 0);
    expectThat(failed === undefined, {
      expected: 'no request failed in any round',
      came: `${failed?.errors} errors in round ${failed?.round} of ${failed?.variant}`,
    });
    // Once more, shortly, by us.
    const folder = work.scratch('again');
    for (const file of ['sidecar.mjs', 'pass.mjs']) writeFileSync(join(folder, file), work.text(file));
    const measure = join(folder, 'measure.mjs');
    copyFileSync(join(work.places.root, 'labs', work.lab, 'starter', 'measure.mjs'), measure);
    const words = ['--rounds', '1', '--seconds', '1', '--subnet', anySubnets(), '--clone', work.places.root];
    const again = await work.node(measure, words, { deadlineMs: 170_000 });
    expectThat(again.code === 0, {
      expected: 'measure.mjs measures with your sidecars, also when we run it',
      came: again.err.trim(),
    });
    const ours = JSON.parse(readFileSync(join(folder, 'measured.json'), 'utf8')) as Row[];
    for (const variant of ['forward', 'parse'] as const) {
      const [theirs, mine] = [rows, ours].map(
        (all) => (middle(all, variant, 'cpu_us_a_request') ?? 0) / (middle(all, 'direct', 'cpu_us_a_request') ?? 1),
      );
      if (theirs === undefined || mine === undefined || mine === 0) continue; // no /proc here
      const isLike = theirs > 1 && theirs / mine < LIKE_FACTOR && mine / theirs < LIKE_FACTOR;
      expectThat(isLike, {
        expected: `CPU a request with ${variant} against direct, as measured just now: ${mine.toFixed(2)}`,
        came: `${theirs.toFixed(2)} in your measured.json`,
        remark: 'The absolute figures are your machine’s; the shape is not.',
      });
    }
  },

  understood(work) {
    const answers = work.yaml('answers.yaml', answersShape);
    const rows = measured(work);
    expectThat(answers.passages_of_a_post === PASSAGES, {
      expected:
        'passages_of_a_post: every session has a sidecar at both ends; the post goes there and its answer comes back',
      came: `${answers.passages_of_a_post}`,
    });
    const added = (name: Figure, variant: Variant): number | null => {
      const [base, value] = [middle(rows, 'direct', name), middle(rows, variant, name)];
      return base === null || value === null ? null : (100 * value) / base - 100;
    };
    for (const variant of ['forward', 'parse'] as const)
      for (const [key, name] of [
        ['p50_added_percent', 'p50_ms'],
        ['cpu_added_percent', 'cpu_us_a_request'],
      ] as const) {
        const [came, expected] = [answers[key][variant], added(name, variant)];
        const isRight =
          came === null || expected === null ? came === expected : Math.abs(came - expected) <= ROUNDED_PERCENT;
        expectThat(isRight, {
          expected: `${key}.${variant}: 100 × the middle of ${variant} / the middle of direct − 100, from your measured.json`,
          came: `${came}`,
        });
      }
    const [base, more] = [middle(rows, 'direct', 'processes'), middle(rows, 'forward', 'processes')];
    expectEqual('processes_added', answers.processes_added, base === null || more === null ? null : more - base, {
      page: 'labs/09-what-a-sidecar-costs/README.md',
    });
  },
});
