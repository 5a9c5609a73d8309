/**
 * One `ssmmp up` a state directory.
 *
 * Lives here: the lock. Does not live here: the Manager's own lock, which keeps two Managers apart (R51).
 *
 * The lock file is a pid file. One whose owner is dead is stale and is taken over without a word; so is one that came with a copy
 * of another state directory, and that is worth a sentence.
 */
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isRunning, pidFileCopiedFrom, pidFileText, readPidFile } from '../../ssmmp/shell/process-identity.ts';
import type { ProcessIdentity } from '../../ssmmp/shell/process-identity.ts';
import { stateFiles } from './settings.ts';

/** Takes the lock. Gives back null, or the live process that has it. */
export function takeUpLock(stateDir: string): ProcessIdentity | null {
  mkdirSync(stateDir, { recursive: true });
  const path = stateFiles.lock(stateDir);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, pidFileText(path));
  try {
    for (;;) {
      if (isLinked(draft, path)) return null;
      const owner = readPidFile(path);
      if (owner !== null && isRunning(owner)) return owner;
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** One sentence on a state directory that was copied while its cluster ran, or after a crash; null on any other. */
export function copyText(stateDir: string): string | null {
  const from = pidFileCopiedFrom(stateFiles.lock(stateDir));
  return from === null
    ? null
    : `${stateDir} is a copy of ${from}, so the processes that its files name are not its own`;
}

/** Gives the lock back. */
export function dropUpLock(stateDir: string): void {
  const path = stateFiles.lock(stateDir);
  if (readPidFile(path)?.pid === process.pid) rmSync(path, { force: true });
}

/** Removes a lock whose owner is dead; a live one's stays. */
export function dropDeadUpLock(stateDir: string): void {
  const path = stateFiles.lock(stateDir);
  const owner = readPidFile(path);
  if (owner === null || !isRunning(owner)) rmSync(path, { force: true });
}

/** A link appears whole or not at all, so nobody ever reads half a lock. */
function isLinked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
