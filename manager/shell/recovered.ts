/**
 * Which journal a Manager starts from: its own, or the mirror that its supervisor keeps (R51).
 *
 * Lives here: the choice, and putting the mirror in the journal's place. Does not live here: reading a state back
 * (ssmmp/shell/journal-recovery.ts), keeping the mirror (ssmmp/shell/journal-follower.ts).
 *
 *   the journal goes on where the mirror ends          the journal
 *   else                                               the higher epoch, then the longer one
 *   the journal is damaged, the mirror sound           the mirror
 */
import { openJournal, type JournalOptions, type OpenedJournal } from '../../ssmmp/shell/journal-file.ts';
import { chooseJournal, restoreJournal } from '../../ssmmp/shell/journal-mirror.ts';
import { recoverJournal } from '../../ssmmp/shell/journal-recovery.ts';
import type { ManagerEffect } from '../core/effects.ts';
import type { ManagerInput } from '../core/inputs.ts';
import type { ManagerState } from '../core/state.ts';

type Options = JournalOptions<ManagerState, ManagerInput, ManagerEffect>;
type Opened = OpenedJournal<ManagerState, ManagerInput, ManagerEffect>;

/** `restored`: why the state came from the mirror, as a sentence; null when it came from the journal. */
export interface OpenedManagerJournal {
  readonly opened: Opened;
  readonly restored: string | null;
}

/** Opens the better of a journal and its mirror (null: there is none). Throws where the disk itself fails. */
export function openManagerJournal(options: Options, mirror: string | null): OpenedManagerJournal {
  if (mirror === null) return { opened: openJournal(options), restored: null };
  if (chooseJournal(options.folder, mirror) === 'mirror')
    return restored(options, mirror, 'the journal is lost or behind its mirror');
  const opened = openJournal(options);
  if (opened.ok || !isSound(options, mirror)) return { opened, restored: null };
  return restored(options, mirror, opened.problem);
}

function restored(options: Options, mirror: string, why: string): OpenedManagerJournal {
  const aside = restoreJournal(options.folder, mirror);
  const kept = aside === null ? '' : `; what was there is kept in ${aside}`;
  return { opened: openJournal(options), restored: `${why}: the state comes from ${mirror}${kept}` };
}

function isSound({ machine }: Options, mirror: string): boolean {
  try {
    const recovery = recoverJournal(machine, { folder: mirror });
    return recovery.ok && recovery.state !== null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
