/**
 * The picture of lab 9's chapter: what measure.mjs draws of the solution (`npm run labs-proof -- --pictures 9`).
 *
 * Lives here: how long is measured. A machine that does something else meanwhile draws rumours.
 */
import { randomInt } from 'node:crypto';
import type { Pictures, Work } from '../runner/api.ts';

/** As in check.ts. */
const SUBNETS_FROM = 140;
const SUBNETS_TO = 190;
const MEASURE_MS = 600_000;

export async function pictures(work: Work): Promise<Pictures> {
  const subnet = `127.${randomInt(SUBNETS_FROM, SUBNETS_TO)}`;
  const ran = await work.node(work.path('measure.mjs'), ['--clone', work.places.root, '--subnet', subnet], {
    deadlineMs: MEASURE_MS,
  });
  if (ran.code !== 0) throw new Error(ran.err);
  return { measured: { kind: 'drawn', svg: work.text('measured.svg') } };
}
