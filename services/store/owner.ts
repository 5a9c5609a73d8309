/**
 * One owner per data folder: the claim (R50). An owner's epoch is its service_instance_id, which the Manager never gives
 * twice. What may not live here: waiting for an old owner to die. It need not; it can only not be believed any more.
 *
 * Theory. A claim is an empty file `owner-<epoch>`, created exclusively; the owner is the highest one. A later owner
 * claims *before* it reads what older ones wrote; an owner looks at the claims *after* its bytes are flushed and before
 * it answers. So either the later owner's claim was there and the older one stays silent, or it was not, and then the
 * bytes were on disk before the later owner began to read. Highest-of-many cannot be overwritten by a slow claimer, as
 * one shared file could.
 */

import type { Disk } from './disk.ts';
import { StoreError } from './store.ts';

const CLAIM = /^owner-([1-9][0-9]{0,15})$/;

/** Makes `epoch` the owner. Throws StoreError `fenced` when there is a higher claim, or this very one. */
export function claim(disk: Disk, epoch: number): void {
  const before = highestClaim(disk.list());
  if (before >= epoch) {
    throw new StoreError('fenced', before === epoch ? claimedTwice(disk, epoch) : claimedByLater(disk, epoch, before));
  }
  try {
    disk.createExclusive(claimName(epoch));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new StoreError('fenced', claimedTwice(disk, epoch), { cause: error });
  }
  checkClaim(disk, epoch);
}

/** Throws StoreError `fenced` unless `epoch` is the owner now. */
export function checkClaim(disk: Disk, epoch: number): void {
  const highest = highestClaim(disk.list());
  if (highest !== epoch) throw new StoreError('fenced', claimedByLater(disk, epoch, highest));
}

/** Takes away the claims of former owners; theirs are lower, so it changes nothing but the length of the list. */
export async function removeFormerClaims(disk: Disk, epoch: number): Promise<void> {
  for (const name of disk.list()) {
    const match = CLAIM.exec(name);
    if (match !== null && Number(match[1]) < epoch) await disk.remove(name);
  }
}

function claimName(epoch: number): string {
  return `owner-${epoch}`;
}

function highestClaim(names: readonly string[]): number {
  let highest = 0;
  for (const name of names) {
    const match = CLAIM.exec(name);
    if (match !== null) highest = Math.max(highest, Number(match[1]));
  }
  return highest;
}

function claimedByLater(disk: Disk, epoch: number, highest: number): string {
  const owner = highest === 0 ? 'nobody (its claim file is gone)' : `instance ${highest}`;
  return `The data in ${disk.folder} belong to ${owner} now: instance ${epoch} may not write there any more (R50).`;
}

function claimedTwice(disk: Disk, epoch: number): string {
  return `The data in ${disk.folder} are claimed by instance ${epoch} already: two processes run under one instance id.`;
}
