/**
 * The journal of a run that is over, replayed: whatever was done to the processes meanwhile, it must give the effects that
 * were recorded, the states in the headers of its segments, and the state that the Manager had when it stopped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { managerMachine } from '../../manager/core/step.ts';
import { findJournal, replayJournal } from '../../ssmmp/shell/journal-tool.ts';

/** What differs, or null; null too where no Manager got as far as a journal. */
export function replayProblem(stateDir: string): string | null {
  const folder = existsSync(stateDir) ? findJournal(stateDir) : null;
  if (folder === null) return null;
  const replayed = replayJournal(managerMachine, { folder });
  if (!replayed.ok) return replayed.problem;
  const hash = hashAt(stateDir, replayed.summary.lastRecord);
  if (hash === null || hash === replayed.stateHash) return null;
  return `the Manager stopped with state ${hash}, the replay gives ${replayed.stateHash}`;
}

/** The hash that a Manager logged when it stopped after this record; null when it was killed. */
function hashAt(stateDir: string, record: number): string | null {
  const log = join(stateDir, 'manager.log');
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  for (const line of lines.reverse()) {
    if (!line.includes(`"record":${record},`)) continue;
    const { state_hash } = JSON.parse(line) as { state_hash?: string };
    if (state_hash !== undefined) return state_hash;
  }
  return null;
}
