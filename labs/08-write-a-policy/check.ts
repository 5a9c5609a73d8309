/**
 * Lab 8: an autoscaler, tried on loads from a seed, and once in a cluster.
 *
 * Lives here: the items and their goals. Does not live here: the model of a service under load (driver/simulate.ts), the service
 * of the cluster that is as slow as the model's (services/table.ts).
 *
 * Theory. A policy is a pure function, so five minutes of load take milliseconds and are the same each time. Goals are apart from
 * what the solution reaches, and from what the built-in policy reaches: late answers are nearly none against up to a third, paid
 * seconds about three quarters. In the cluster nothing is measured: a load comes and goes, and each change of the number of
 * replicas must be one that the policy answered, on a machine as slow as it likes.
 */
import { join, relative } from 'node:path';
import { z } from 'zod';
import { defineChecks, expectThat, isUnmet, Unmet } from '../runner/api.ts';
import type { Evidence, LabCluster, Work } from '../runner/api.ts';
import type { Outcome, Simulated } from './driver/simulate.ts';

/** Percent of the requests of a load that may come late. */
const LATE_MAX = 2;
/** Part of the built-in policy's instance-seconds that may be used. */
const SECONDS_PART_MAX = 0.85;
/** Changes in five minutes of a load that is the same but for noise. */
const CHANGES_MAX = 25;
const SIMULATION_MS = 20_000;
/** In the cluster: services/table.ts answers so many requests a second; three times as many come. */
const SERVICE = 'table';
const RATE_PER_REPLICA = 50;
const RATE = 150;
/** A policy has so long to want a change; the built-in one waits for 15 s before it gives a replica back. */
const CHANGED_MS = { more: 25_000, fewer: 40_000 } as const;
/** A cluster has so long to have made it. */
const STARTED_MS = 20_000;

const graphShape = z.looseObject({ policies: z.record(z.string(), z.unknown()).optional() });

function simulated(work: Work): Promise<Simulated> {
  void work.seed; // the verdict names it
  return work.once('simulated', async (all) => {
    const policy = await all.bundle('policy.ts');
    const simulate = await all.bundle(relative(all.folder, join(all.places.labs, all.lab, 'driver', 'simulate.ts')));
    const ran = await all.judged<Simulated>(simulate, [policy], SIMULATION_MS);
    const [simulated] = ran.told;
    if (ran.code === 0 && simulated !== undefined) return simulated;
    const said = ran.err.trim().slice(0, 2_000) || 'it ended before it was asked';
    const came = ran.isLate ? `nothing in ${SIMULATION_MS / 1000} s` : said;
    throw new Unmet({ expected: 'a function `scaling` that answers every view', came });
  });
}

/** Of the wanted number of replicas. */
interface Change {
  readonly from: number;
  readonly to: number;
}

/** What the policy was asked in the cluster, and what came of it. */
interface Story {
  /** Changes that the Manager made because the policy said so: the same number, and its `why` as the event. */
  readonly changes: readonly Change[];
  /** A change of the service whose event is not what the policy answered. */
  readonly notBySaying: string | null;
  readonly problem: string | null;
  readonly answers: number;
  /** What it said last about the service. */
  readonly said: string;
}

interface Answer {
  readonly choice?: { readonly replicas?: number; readonly why?: string };
  readonly problem?: string;
}

function story({ journal, events }: Evidence): Story {
  const answered = journal.map(({ in: { at }, in: input }) => ({ at, answers: (input['answers'] ?? []) as Answer[] }));
  const all = answered.flatMap(({ answers }) => answers);
  const changes: Change[] = [];
  let [before, notBySaying] = [1, null as string | null];
  for (const { at, what, text, data } of events) {
    if (what !== 'service' || data['service_name'] !== SERVICE || typeof data['desired'] !== 'number') continue;
    const { desired } = data;
    const isSaid = answered.some(
      (record) =>
        record.at === at &&
        record.answers.some(({ choice }) => choice?.replicas === desired && (choice.why ?? text) === text),
    );
    if (isSaid) changes.push({ from: before, to: desired });
    else if (desired !== before) notBySaying ??= text;
    before = desired;
  }
  return {
    changes,
    notBySaying,
    problem: all.find(({ problem }) => problem !== undefined)?.problem ?? null,
    answers: all.length,
    said: all.findLast(({ choice }) => choice?.why?.includes(SERVICE))?.choice?.why ?? '',
  };
}

/** Waits until the policy was asked and has answered. */
async function asked(cluster: LabCluster): Promise<void> {
  await cluster.evidenceOf(
    'the Manager asks your policy, and it answers',
    (found) => story(found).answers > 0,
    CHANGED_MS.more,
  );
}

/** Waits for a change to more or to fewer replicas that the policy asked for. Throws Unmet with what it said instead. */
async function changed(cluster: LabCluster, kind: 'more' | 'fewer'): Promise<Change> {
  const isWanted = ({ from, to }: Change): boolean => (kind === 'more' ? to > from : to < from);
  try {
    return await cluster.evidenceOf(kind, (found) => story(found).changes.find(isWanted), CHANGED_MS[kind]);
  } catch (error) {
    if (!isUnmet(error)) throw error;
    const { answers, problem, notBySaying, said } = story(await cluster.evidence());
    const expected =
      kind === 'more'
        ? `${RATE} reads a second come to a ${SERVICE} whose replicas answer ${RATE_PER_REPLICA} each: your policy wants more of them, and the Manager starts them`
        : `nobody reads any more: your policy wants fewer replicas of ${SERVICE} again`;
    const came =
      problem ??
      notBySaying ??
      (answers === 0 ? 'the Manager did not ask your policy' : `it wants none, in ${CHANGED_MS[kind] / 1000} s`);
    throw new Unmet({ expected, came, ...(said === '' ? {} : { remark: `It said last: ${said}` }) });
  }
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
    // what a policy does in the model, it does in a cluster; whether that is wise is for the other items
    const { burst } = await simulated(work);
    const repository = await work.services();
    const cluster = await work.up({ nodes: 2, graph: work.path('graph.yaml'), repository });
    const scaledOut = async (): Promise<void> => {
      if (!burst.more) return await asked(cluster);
      const more = await changed(cluster, 'more');
      await cluster.running(SERVICE, more.to, STARTED_MS).catch(async (error: unknown) => {
        // or it has asked for yet more, or for less again, by now
        const { changes } = story(await cluster.evidence());
        if (changes.at(-1)?.to === more.to) throw error;
      });
    };
    const words = ['--users', '4', '--rate', String(RATE), '--seconds', '8', '--mix', 'read=1,post=0'];
    await Promise.all([scaledOut(), cluster.load(...words)]);
    if (burst.fewer) await changed(cluster, 'fewer');
    const { problem, notBySaying } = story(await cluster.evidence());
    const came = problem ?? notBySaying;
    expectThat(came === null, { expected: 'every change is one that your policy answered', came: came ?? '' });
  },
});
