/**
 * One process of a kind a state directory: one Manager (R51), one supervisor.
 *
 * Lives here: the lock file. Does not live here: the epoch, which guards agents against an old Manager (the core), and
 * the pid files, which are for people.
 *
 * A lock names a process by pid and start time. It is made with `link`, so it appears whole or not at all. One whose
 * process is gone, or that was copied with its folder, is stale: it is moved away under a name of our own, checked to be the
 * one we judged, and dropped.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, pidFileText, readPidFile } from './process-identity.ts';

/** Others may be taking a stale lock over at the same moment; somebody wins long before this. */
const TRIES_MAX = 10;

export type Lock =
  { readonly ok: true; readonly tookOver: boolean; release(): void } | { readonly ok: false; readonly problem: string };

/** Takes `<role>.lock` of a state directory, which must exist. `who` is for the sentence: `Manager`. */
export function takeLock(stateDir: string, role: 'manager' | 'supervisor', who: string): Lock {
  const path = join(stateDir, lockFile(role));
  const own = `${path}.${process.pid}`;
  const text = pidFileText(path);
  writeFileSync(own, text, { mode: 0o600 });
  let tookOver = false;
  try {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (link(own, path)) return { ok: true, tookOver, release: () => release(path, text) };
      const holder = readPidFile(path);
      if (holder !== null && isRunning(holder))
        return {
          ok: false,
          problem:
            `another ${who} (process ${holder.pid}) runs with ${stateDir}: ` +
            `stop it with 'ssmmp down --state-dir ${stateDir}', or give this one another --state-dir`,
        };
      tookOver = dropStale(path, `${own}.stale`) || tookOver;
    }
    return { ok: false, problem: `${path} could not be taken; others are starting with the same --state-dir` };
  } finally {
    rmSync(own, { force: true });
  }
}

export function lockFile(role: 'manager' | 'supervisor'): string {
  return `${role}.lock`;
}

/** False when the name is taken. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a lock away that was judged stale; one that came in between is put back. */
function dropStale(path: string, aside: string): boolean {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // somebody else dropped it
    throw error;
  }
  const moved = readPidFile(aside);
  const isStale = moved === null || !isRunning(moved);
  if (!isStale) link(aside, path);
  rmSync(aside, { force: true });
  return isStale;
}

function release(path: string, text: string): void {
  let holder = '';
  try {
    holder = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (holder === text) rmSync(path, { force: true });
}
