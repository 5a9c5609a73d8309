/**
 * The Manager's journal as files, without a Manager: for checks, repairs, replays and time travel.
 *
 * Lives here: finding the folder, loading what knows the Manager's state (dist/journal.js: actors are not imported). Does
 * not live here: words.
 */
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Machine, Stamped } from '../../ssmmp/machine/machine.ts';
import { findJournal } from '../../ssmmp/shell/journal-tool.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { ListKind, RowsOf } from '../core/rows.ts';
import { distFile } from './dist-folder.ts';

/** What dist/journal.js exports. The state is opaque here. */
export interface ManagerJournal {
  readonly machine: Machine<unknown, Stamped, unknown>;
  lists(state: unknown): { readonly [K in ListKind]: readonly RowsOf[K][] };
  lock(stateDir: string): { readonly ok: true; release(): void } | { readonly ok: false; readonly problem: string };
}

export async function loadManagerJournal(): Promise<ManagerJournal> {
  const loaded = (await import(pathToFileURL(distFile('journal.js')).href)) as { default: ManagerJournal };
  return loaded.default;
}

/** The folder of the journal that `path` means, and the state directory around it. Throws OperatorError when there is none. */
export function journalFolder(path: string): { folder: string; stateDir: string } {
  const folder = findJournal(resolve(path));
  if (folder !== null) return { folder, stateDir: basename(folder) === 'journal' ? dirname(folder) : folder };
  throw new OperatorError(
    EXIT.failed,
    `${path} holds no journal: expected a folder with files journal-<number>.jsonl, or a state directory (docs/journal.md)`,
  );
}
