/**
 * A lifeline: what was started for somebody ends with that somebody, however both were started and however it ends.
 *
 * Lives here: both ends of it. Does not live here: what is started, how it ends.
 *
 * Theory. A cluster in the background is nobody's child: no signal to its starter's group reaches it, and a starter that is killed
 * cannot take it along. So the starter leaves word in a folder that it lives (`owner`, with pid and start time), hands the folder's
 * name down in the environment, and what was started looks whether the word still stands. Taking it back ends them all. A program
 * that knows nothing of this (a student's, perhaps in an endless loop) is entered by its starter, and killed by whoever cuts the
 * line: the owner, or who killed the owner (`cutAbandoned`).
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readPidFile, startTimeOf, writePidFile } from './process-identity.ts';

/** Names the folder. `ssmmp up` ends its cluster once the owner of the lifeline is gone; programs of labs hand it on. */
export const LIFELINE = 'SSMMP_LIFELINE';

const OWNER = 'owner';
const PREFIX = 'ssmmp-lifeline-';
/** Begins the names of those that are killed. */
const PROGRAM = 'program-';
const LOOK_MS = 500;
/** What hangs on a lifeline has this long to end when it is cut; a cluster that hurries takes a second or two. */
const END_MS_MAX = 30_000;
const AGAIN_MS = 50;

/** The owner's end. */
export class Lifeline {
  readonly folder: string;
  #end: Promise<void> | null = null;

  /** `within` is where its folder is made; say it where another process may have to cut it. */
  constructor(within: string = tmpdir()) {
    this.folder = mkdtempSync(join(within, PREFIX));
    writePidFile(join(this.folder, OWNER));
  }

  /** For the environment of what shall end with this process, or before. */
  get environment(): Readonly<Record<string, string>> {
    return { [LIFELINE]: this.folder };
  }

  /** Enters a program that does not look at lifelines by itself: cutting kills it. Returns how to take that back. */
  enter(pid: number): () => void {
    const path = join(this.folder, `${PROGRAM}${pid}`);
    writePidFile(path, { pid, startTime: startTimeOf(pid) });
    return () => rmSync(path, { force: true });
  }

  /** Ends what hangs on it, and waits for that; 30 s at most. Once is enough. */
  cut(): Promise<void> {
    this.#end ??= cut(this.folder);
    return this.#end;
  }
}

/** Cuts every lifeline that was made within a folder; for whoever has killed their owner. Waits as `cut` does. */
export async function cutAbandoned(within: string): Promise<void> {
  const names = readdirSync(within).filter((name) => name.startsWith(PREFIX));
  await Promise.all(names.map((name) => cut(join(within, name))));
}

async function cut(folder: string): Promise<void> {
  rmSync(join(folder, OWNER), { force: true });
  for (const name of readdirSync(folder).filter((each) => each.startsWith(PROGRAM))) killProgram(join(folder, name));
  const deadline = performance.now() + END_MS_MAX;
  while (isHeld(folder) && performance.now() < deadline) await sleep(AGAIN_MS);
  rmSync(folder, { recursive: true, force: true });
}

function killProgram(path: string): void {
  const program = readPidFile(path);
  if (program === null || !isRunning(program)) return;
  try {
    process.kill(program.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended meanwhile: that is what was wanted
  }
}

function isHeld(folder: string): boolean {
  return readdirSync(folder).some((name) => {
    const held = readPidFile(join(folder, name));
    return held !== null && isRunning(held);
  });
}

/** The other end: calls `onCut` once when the owner of `folder` has taken its word back or runs no more. */
export function hangOn(folder: string, onCut: () => void): void {
  const isCut = (): boolean => {
    const owner = readPidFile(join(folder, OWNER));
    return owner === null || !isRunning(owner);
  };
  try {
    writePidFile(join(folder, String(process.pid)));
  } catch {
    return onCut(); // the folder is gone already
  }
  const timer = setInterval(() => {
    if (!isCut()) return;
    clearInterval(timer);
    onCut();
  }, LOOK_MS);
  timer.unref();
}
