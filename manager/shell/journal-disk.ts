/**
 * The disk under the Manager's journal, when it is full or fails.
 *
 * Lives here: a full disk on demand (`ssmmp fault fill-disk`), and waiting until a disk takes writes again. Does not live
 * here: what a failure leads to (manager.ts).
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDiskFault } from '../../ssmmp/shell/disk-fault.ts';
import type { JournalFs } from '../../ssmmp/shell/journal-segments.ts';

/** Room that must be there before the Manager goes on: a start writes, and must not be torn off at once. */
export const ROOM_BYTES = 256 * 1024;
/** A name that a start takes for a segment that was never finished, and removes. */
const PROBE_FILE = 'journal-room.tmp';

/** The real disk, but for the file `disk-full` in the journal's folder. */
export function faultableDisk(folder: string): JournalFs {
  return {
    ...fs,
    writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
      checkDiskFault(folder);
      return fs.writeSync(...args);
    }) as typeof fs.writeSync,
  };
}

/** Resolves with true when ROOM_BYTES could be written to the folder and flushed; looks every `everyMs`, until `isOver`. */
export async function untilWritable(
  disk: JournalFs,
  folder: string,
  everyMs: number,
  isOver: () => boolean,
): Promise<boolean> {
  for (;;) {
    await sleep(everyMs, undefined, { ref: false });
    if (isOver()) return false;
    if (takesWrites(disk, join(folder, PROBE_FILE))) return true;
  }
}

function takesWrites(disk: JournalFs, path: string): boolean {
  try {
    const fd = disk.openSync(path, 'w');
    try {
      const room = Buffer.alloc(ROOM_BYTES);
      for (let at = 0; at < room.length;) at += disk.writeSync(fd, room, at, room.length - at);
      disk.fsyncSync(fd);
    } finally {
      disk.closeSync(fd);
      disk.rmSync(path, { force: true });
    }
    return true;
  } catch {
    return false; // as before; whoever waits asks again
  }
}
