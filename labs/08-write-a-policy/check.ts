/**
 * Lab 8: an autoscaler, tried on loads from a seed, and once in a cluster.
 *
 * Lives here: the items and their goals. Does not live here: the model of a service under load (driver/simulate.ts).
 *
 * Theory. A policy is a pure function, so five minutes of load take milliseconds and are the same each time. Goals are apart from
 * what the solution reaches, and from what the built-in policy reaches: late answers are nearly none against up to a third, paid
 * seconds about three quarters.
 */
import { join, relative } from 'node:path';
import { z } from 'zod';
import { defineChecks, expectThat, Unmet } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';
import type { Outcome, Simulated } from './driver/simulate.ts';

/** Percent of the requests of a load that may come late. */
const LATE_MAX = 2;
/** Part of the built-in policy's instance-seconds that may be used. */
const SECONDS_PART_MAX = 0.85;
/** Changes in five minutes of a load that is the same but for noise. */
const CHANGES_MAX = 25;
const SIMULATION_MS = 20_000;

const graphShape = z.looseObject({ policies: z.record(z.string(), z.unknown()).optional() });

function simulated(work: Work): Promise<Simulated> {
  const { seed } = work;
  return work.once('simulated', async (all) => {
    const policy = await all.bundle('policy.ts');
    const simulate = await all.bundle(relative(all.folder, join(all.places.labs, all.lab, 'driver', 'simulate.ts')));
    const ran = await all.node(simulate, [policy, String(seed)], { deadlineMs: SIMULATION_MS });
    const line = ran.out.trim().split('\n').at(-1) ?? '';
    if (ran.code === 0 && line.startsWith('{')) return JSON.parse(line) as Simulated;
    const came = ran.isLate ? `nothing in ${SIMULATION_MS / 1000} s` : ran.err.trim().slice(0, 2_000);
    throw new Unmet({ expected: 'a function `scaling` that answers every view', came });
  });
}

const sum = (outcomes: readonly Outcome[]): number => outcomes.reduce((all, { seconds }) => all + seconds, 0);

export const checks = defineChecks({
  async computes(work) {
    const { problem } = await simulated(work);
    expectThat(problem === '', { expected: 'an answer to every view, the same to the same view', came: problem });
  },

  async 'keeps-the-goal'(work) {
    const { yours } = await simulated(work);
    const worst = Math.max(...yours.map(({ late }) => late));
    expectThat(worst <= LATE_MAX, {
      expected: `on each of ${yours.length} loads at most ${LATE_MAX} % of the requests wait longer than 0.5 s`,
      came: yours.map(({ late }) => `${late.toFixed(1)} %`).join(', '),
    });
  },

  async saves(work) {
    const { yours, theirs } = await simulated(work);
    const most = sum(theirs) * SECONDS_PART_MAX;
    expectThat(sum(yours) <= most, {
      expected: `at most ${most.toFixed(0)} instance-seconds: ${SECONDS_PART_MAX * 100} % of what the built-in policy uses`,
      came: `${sum(yours).toFixed(0)} instance-seconds`,
    });
  },

  async steady(work) {
    const { calm } = await simulated(work);
    expectThat(calm.changes <= CHANGES_MAX, {
      expected: `a load that is the same but for noise: at most ${CHANGES_MAX} changes in five minutes`,
      came: `${calm.changes} changes`,
    });
  },

  async 'in-a-cluster'(work) {
    const { policies } = work.yaml('graph.yaml', graphShape);
    const named = policies?.['scaling'];
    expectThat(typeof named === 'string' && /^(\.\/)?policy\.ts$/.test(named), {
      expected: 'graph.yaml names policy.ts as its policy for scaling',
      came: named === undefined ? 'it names none' : JSON.stringify(named),
    });
    const cluster = await work.up({ nodes: 2, graph: work.path('graph.yaml') });
    await cluster.enter('alice');
    let problem = '';
    await cluster
      .evidenceOf('the Manager asked your policy, and it answered', ({ journal }) => {
        const answers = journal.flatMap(
          (record) => (record.in['answers'] ?? []) as { choice?: unknown; problem?: string }[],
        );
        problem = answers.find((answer) => answer.problem !== undefined)?.problem ?? '';
        return answers.some(({ choice }) => choice !== undefined);
      })
      .catch((error: unknown) => {
        if (problem === '') throw error;
        throw new Unmet({ expected: 'the Manager asks your policy, and it answers', came: problem });
      });
  },
});
