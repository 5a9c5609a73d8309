/**
 * A full disk on demand: the file `disk-full` in a folder makes those who write there believe it (`ssmmp fault fill-disk`).
 *
 * Lives here: the file's name, and asking for it. Does not live here: what a full disk leads to, which is the point:
 * from the error on everything is as with a real one. Journals and stores ask before each write, which costs a
 * microsecond or two beside a flush. A real full disk needs a mount of its own and root; the tests have one too.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const DISK_FULL_FILE = 'disk-full';

/** Throws ENOSPC, as the system would, while the folder holds the file. */
export function checkDiskFault(folder: string): void {
  if (!existsSync(join(folder, DISK_FULL_FILE))) return;
  const message = `ENOSPC: no space left on device, write (${DISK_FULL_FILE} in ${folder})`;
  throw Object.assign(new Error(message), { code: 'ENOSPC', syscall: 'write' });
}
