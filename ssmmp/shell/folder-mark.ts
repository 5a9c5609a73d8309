/**
 * Which folder a file was written for: a copy of a state directory names nobody.
 *
 * Lives here: the mark, and whether it is that of the folder in which the file lies now. Does not live here: the files (pid
 * files and locks: process-identity.ts; what else names processes says so itself).
 *
 * Theory. What names a process, a pid file or an agent's record of its children (R47), is true only where that process has its
 * state. Somebody copies the folder (a backup, a lab), and the copy says the same: a stop of the copy would end the original.
 * So such a file carries path and inode of its folder. A folder that was moved has another path and the same inode; one on a
 * file system that gives inodes as it likes has the same path; a copy has neither. A file without a mark is believed.
 */
import { realpathSync, statSync } from 'node:fs';

/** As it stands in files, under `folder`. */
export interface FolderMark {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Device and inode, `2049:131`; comparable on one machine only. */
  readonly inode: string;
}

/** The mark of a folder; null where there is none. */
export function folderMark(folder: string): FolderMark | null {
  try {
    return { path: realpathSync(folder), inode: inodeOf(folder) };
  } catch {
    return null; // it was removed: what is written there now fails by itself
  }
}

/** Where the file with this mark was written, when that is not `folder`: then the file is a copy. Null where it belongs. */
export function copiedFrom(mark: unknown, folder: string): string | null {
  const { path, inode } = (mark ?? {}) as Partial<FolderMark>;
  if (typeof path !== 'string' || typeof inode !== 'string') return null; // of a version that wrote no marks
  try {
    return inodeOf(folder) === inode || realpathSync(folder) === path ? null : path;
  } catch {
    return null; // removed since the file was read
  }
}

function inodeOf(folder: string): string {
  const { dev, ino } = statSync(folder, { bigint: true });
  return `${dev}:${ino}`;
}
