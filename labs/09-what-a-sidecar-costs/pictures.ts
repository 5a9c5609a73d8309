/**
 * The picture of lab 9's chapter: what measure.mjs draws of the solution (`npm run labs-proof -- --pictures 9`).
 *
 * Lives here: how long is measured. A machine that does something else meanwhile draws rumours.
 */
import type { Pictures, Work } from '../runner/api.ts';
import { anySubnets } from './subnets.ts';

const MEASURE_MS = 600_000;

export async function pictures(work: Work): Promise<Pictures> {
  const words = ['--clone', work.places.root, '--subnet', anySubnets()];
  const ran = await work.node(work.path('measure.mjs'), words, { deadlineMs: MEASURE_MS });
  if (ran.code !== 0) throw new Error(ran.err);
  return { measured: { kind: 'drawn', svg: work.text('measured.svg') } };
}
