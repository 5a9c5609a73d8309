/**
 * `faults.json`: which faults are on, for whoever comes after a front that was killed.
 *
 * Lives here: writing it, and undoing what it says. Does not live here: faults while their front lives (fault-keeper.ts).
 *
 * A front that was killed cannot undo anything; the next `ssmmp up` or `ssmmp down` does. So a fault stands in the file
 * before anything is broken. The file carries the mark of its folder: in a copy of the state directory it speaks of the
 * processes of another cluster.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultRecord } from '../../faults/core/fault.ts';
import { copiedFrom, folderMark } from '../../ssmmp/shell/folder-mark.ts';
import { freeDisk } from './fault-acts.ts';
import { removeLinkFiles } from './fault-links.ts';
import { signalGroup } from './testbed-processes.ts';

const FAULTS_FILE = 'faults.json';

/** Writes down what is on, whole or not at all; no file where nothing is. */
export function writeFaults(stateDir: string, faults: readonly FaultRecord[]): void {
  const path = join(stateDir, FAULTS_FILE);
  if (faults.length === 0) return rmSync(path, { force: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ folder: folderMark(stateDir), faults }, null, 2)}\n`);
  renameSync(draft, path);
}

/**
 * What a front that was killed could not undo: stopped processes go on, disks have room again, agents go straight to the
 * Manager. Returns how many faults were left.
 */
export function undoLeftFaults(stateDir: string): number {
  const path = join(stateDir, FAULTS_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    value = null; // none was left
  }
  // without a mark it is the list alone
  const { folder, faults } = (Array.isArray(value) ? { faults: value } : (value ?? {})) as Record<string, unknown>;
  const isCopy = copiedFrom(folder, stateDir) !== null;
  const records = Array.isArray(faults) ? (faults as Partial<FaultRecord>[]) : [];
  for (const { request } of records) {
    // who stopped the process that a copy names wants it stopped
    if (request?.kind === 'stop' && !isCopy) signalGroup(request, 'SIGCONT');
    if (request?.kind === 'fill-disk') freeDisk(stateDir, request.whose);
  }
  removeLinkFiles(stateDir);
  rmSync(path, { force: true });
  return records.length;
}
