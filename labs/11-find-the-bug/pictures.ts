/**
 * The picture of lab 11's chapter: the end of a small run that breaks a law (`npm run labs-proof -- --pictures 11`).
 *
 * Lives here: what is drawn. It is a bug of the museum that is none of the four, and breaks no rule of the chapter's list; so a student
 * sees how a run is read, and nothing of the answers.
 */
import type { Pictures, SequenceNote, TraceEntry, Work } from '../runner/api.ts';
import { plant } from './bugs.ts';
import { textOf } from './driver/seeds.ts';

const MUTANT = 'suspect-still-granted';
/** Other seeds find it too, should this one not do so any more. */
const SEED = 1;
/** Of the diagram, from its end: the last session that was opened, and what came then. */
const LINES = 14;

export async function pictures(work: Work): Promise<Pictures> {
  const folder = work.scratch('fifth');
  plant({ number: 5, mutant: MUTANT, machine: 'manager', rule: '', seeds: [SEED] }, work.places.root, folder);
  const text = await textOf(work, folder, ['show', '', '--seed', String(SEED), '--lines', String(LINES)]);
  if (!text.includes('breaks a law')) throw new Error(`seed ${SEED} does not find ${MUTANT} any more: ${text}`);
  return { 'a-fifth-bug': { kind: 'messages', entries: text.split('\n').flatMap(entryOf) } };
}

/** A line of the simulator's diagram: a message, a fault, or what a machine did by itself. */
function entryOf(line: string): (TraceEntry | SequenceNote)[] {
  const [, at, rest = ''] = /^ +(\d+\.\d) {2}(.+)$/.exec(line) ?? [];
  if (at === undefined) return [];
  const time = `T${at}`;
  const [, from, to, type, status, id] = /^(.+) → (.+): (\w+)(?: (\d+))? \((\d+)\)$/.exec(rest) ?? [];
  if (from !== undefined && to !== undefined && type !== undefined && id !== undefined) {
    const message = `type: ${type} ~ message_id: ${id}${status === undefined ? '' : ` ~ status: ${status}`}`;
    return [{ time, hop: 'agent-Manager', from, to, exchange: `${from}/${id}`, message }];
  }
  if (rest.startsWith('*** ')) return [{ time, over: null, text: rest }];
  const colon = rest.indexOf(': ');
  return [{ time, over: rest.slice(0, colon), text: rest.slice(colon + 2) }];
}
