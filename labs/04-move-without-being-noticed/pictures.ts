/**
 * The picture of lab 4's chapter, from a real run of the solution (`npm run labs-proof -- --pictures 4`).
 *
 * Lives here: which messages are drawn.
 */
import type { Pictures, Work } from '../runner/api.ts';
import { movesOf } from './chunks.ts';

export async function pictures(work: Work): Promise<Pictures> {
  const [move] = movesOf(await work.evidence());
  return { 'the-handover': { kind: 'messages', entries: move?.messages ?? [] } };
}
