/**
 * The pictures of lab 8's chapter: the built-in policy on one load, which is what a student begins with
 * (`npm run labs-proof -- --pictures 8`).
 *
 * Lives here: what is drawn. How another policy does on the same load is not: it would show the solution.
 */
import { join, relative } from 'node:path';
import type { Pictures, Work } from '../runner/api.ts';
import type { Curves } from './driver/simulate.ts';

/** Of five minutes the first two: enough hills to see how it climbs and how it comes down. */
const SECONDS = 120;

export async function pictures(work: Work): Promise<Pictures> {
  const policy = await work.bundle('policy.ts');
  const driver = join(work.places.labs, work.lab, 'driver', 'simulate.ts');
  const simulate = await work.bundle(relative(work.folder, driver));
  const { out } = await work.node(simulate, [policy, 'curves']);
  const curves = (JSON.parse(out) as Curves).filter(({ second }) => second <= SECONDS);
  const line = (name: string, value: (at: Curves[number]) => number, isStep: boolean) => ({
    name,
    isStep,
    points: curves.map((at) => [at.second, value(at)] as const),
  });
  return {
    replicas: {
      kind: 'plot',
      title: 'Replicas: what the load needs, and what the built-in policy has',
      seconds: SECONDS,
      lines: [line('needed', ({ needed }) => needed, false), line('paid', ({ paid }) => paid, true)],
    },
    waiting: {
      kind: 'plot',
      title: 'How long who comes now will wait, in seconds, in the same run',
      seconds: SECONDS,
      lines: [line('waiting', ({ waitS }) => waitS, false)],
    },
  };
}
