/**
 * Which process is it really: a pid together with the time that process started.
 *
 * Lives here: asking the system, and pid files. Does not live here: ending a process.
 *
 * A pid alone names nobody for long: the system gives it again. With the start time beside it a pid file that
 * was left behind, or an agent's record of its children (R47), can never point at a stranger. And with the mark of its folder
 * (folder-mark.ts) one that was copied points at nobody.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { copiedFrom, folderMark } from './folder-mark.ts';

/** `startTime` is opaque text, comparable on one machine only; null where the system does not tell. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string | null;
}

/** When the process started, or null when there is none (one that has ended and was not waited for counts as none) or the system does not tell. */
export function startTimeOf(pid: number): string | null {
  if (process.platform === 'linux') return linuxStartTime(pid);
  if (process.platform === 'win32') return null;
  const answer = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: process.env['PATH'] },
  });
  const text = answer.stdout?.trim() ?? '';
  return text === '' ? null : text;
}

/** Does exactly this process run? Where there is no start time to compare, a live pid counts. */
export function isRunning(identity: ProcessIdentity): boolean {
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startTimeOf(identity.pid);
  if (now === null) return process.platform !== 'linux' && identity.startTime === null;
  return identity.startTime === null || identity.startTime === now;
}

/** Was it stopped (SIGSTOP, Ctrl-Z), so that it lives and does nothing? False where the system does not tell. */
export function isStopped(pid: number): boolean {
  if (process.platform === 'win32') return false;
  if (process.platform === 'linux') return /^[Tt]/.test(linuxStat(pid)?.at(0) ?? '');
  const answer = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
  return answer.stdout?.trim().startsWith('T') ?? false;
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) };
}

/** What a pid file or a lock at `path` says: `{pid, startTime, folder}`, of this process unless another is given. */
export function pidFileText(path: string, identity: ProcessIdentity = ownIdentity()): string {
  const { pid, startTime } = identity;
  return `${JSON.stringify({ pid, startTime, folder: folderMark(dirname(path)) })}\n`;
}

/** Writes the pid file of this process, or of another; whole or not at all. */
export function writePidFile(path: string, identity: ProcessIdentity = ownIdentity()): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, pidFileText(path, identity));
  renameSync(draft, path);
}

/** What a pid file says, or null when it is missing or unreadable, or was copied from another folder. */
export function readPidFile(path: string): ProcessIdentity | null {
  const value = contentOf(path);
  if (copiedFrom(value['folder'], dirname(path)) !== null) return null;
  const { pid, startTime } = value;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return null;
  return { pid, startTime: typeof startTime === 'string' || typeof startTime === 'number' ? String(startTime) : null };
}

/** The folder that a pid file was copied from; null when it was written where it lies. */
export function pidFileCopiedFrom(path: string): string | null {
  return copiedFrom(contentOf(path)['folder'], dirname(path));
}

/** Removes a pid file that names this process; another's stays. */
export function removePidFile(path: string): void {
  if (readPidFile(path)?.pid === process.pid) rmSync(path, { force: true });
}

function contentOf(path: string): Record<string, unknown> {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch {
    return {}; // missing, or cut off by a crash: it names nobody
  }
}

/** Field 22 of /proc/<pid>/stat, clock ticks since the boot; null for a process that has ended. */
function linuxStartTime(pid: number): string | null {
  const fields = linuxStat(pid);
  return fields === null || hasEnded(fields) ? null : (fields[19] ?? null);
}

/**
 * Has it ended, by the fields of its stat from the state on (3) with the number of its threads (20)? A process that was killed is a
 * zombie as soon as its first thread is gone; until the last one is, it holds its ports and files, and may end a write.
 */
export function hasEnded(fields: readonly string[]): boolean {
  return fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1);
}

/** The fields of /proc/PID/stat from the state on, for the command in brackets before it may hold anything; null without such a process. */
function linuxStat(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
