/**
 * Where the Manager is reached: at its address, or over a link that has a fault.
 *
 * Lives here: reading manager-link.json. Does not live here: writing it (the testbed does, docs/faults.md), links.
 *
 * The file names the process that keeps the link. Once that has ended nobody is behind the port, so the file counts no more and the
 * agent goes straight to the Manager: a fault never outlives whoever keeps it. Nor does it count in a copy of the folder.
 * Without the file, nothing is in between.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalAddress } from '../../ssmmp/core/address.ts';
import { copiedFrom } from '../../ssmmp/shell/folder-mark.ts';
import { isRunning } from '../../ssmmp/shell/process-identity.ts';

export const LINK_FILE = 'manager-link.json';

export interface ManagerPlace {
  readonly address: string;
  readonly port: number;
}

/** Read anew at every connect. */
export function managerPlace(stateDir: string, manager: ManagerPlace): ManagerPlace {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(stateDir, LINK_FILE), 'utf8'));
  } catch {
    return manager; // there is no file, which is how it is nearly always
  }
  const { address, port, pid, startTime, folder } = (value ?? {}) as Record<string, unknown>;
  if (typeof address !== 'string' || canonicalAddress(address) === null) return manager;
  if (typeof port !== 'number' || typeof pid !== 'number') return manager;
  if (copiedFrom(folder, stateDir) !== null) return manager;
  const keeper = { pid, startTime: typeof startTime === 'string' ? startTime : null };
  return isRunning(keeper) ? { address, port } : manager;
}
