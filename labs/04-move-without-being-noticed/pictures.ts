/**
 * The picture of lab 4's chapter, from a real run of the solution (`npm run labs-proof -- --pictures 4`).
 *
 * Lives here: which messages are drawn.
 */
import type { Evidence, TraceEntry } from '../runner/api.ts';
import { movesOf } from './chunks.ts';

/** Name of the file → its messages. */
export function pictures(evidence: Evidence): Record<string, readonly TraceEntry[]> {
  const [move] = movesOf(evidence);
  return { 'the-handover': move?.messages ?? [] };
}
