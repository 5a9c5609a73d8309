/**
 * A lifeline: what was started for somebody ends with that somebody, however both were started and however it ends.
 *
 * Lives here: both ends of it. Does not live here: what is started, how it ends.
 *
 * Theory. A cluster in the background is nobody's child: no signal to its starter's group reaches it, and a starter that is killed
 * cannot take it along. So the starter leaves word in a folder that it lives (`owner`, with pid and start time), hands the folder's
 * name down in the environment, and what was started looks whether the word still stands. Taking it back ends them all.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readPidFile, writePidFile } from './process-identity.ts';

/** Names the folder. `ssmmp up` ends its cluster once the owner of the lifeline is gone; programs of labs hand it on. */
export const LIFELINE = 'SSMMP_LIFELINE';

const OWNER = 'owner';
const LOOK_MS = 500;
/** What hangs on a lifeline has this long to end when it is cut; a cluster that hurries takes a second or two. */
const END_MS_MAX = 30_000;
const AGAIN_MS = 50;

/** The owner's end. */
export class Lifeline {
  readonly folder = mkdtempSync(join(tmpdir(), 'ssmmp-lifeline-'));
  #end: Promise<void> | null = null;

  constructor() {
    writePidFile(join(this.folder, OWNER));
  }

  /** For the environment of what shall end with this process, or before. */
  get environment(): Readonly<Record<string, string>> {
    return { [LIFELINE]: this.folder };
  }

  /** Ends what hangs on it, and waits for that; 30 s at most. Once is enough. */
  cut(): Promise<void> {
    this.#end ??= this.#cut();
    return this.#end;
  }

  async #cut(): Promise<void> {
    rmSync(join(this.folder, OWNER), { force: true });
    const deadline = performance.now() + END_MS_MAX;
    while (this.#isHeld() && performance.now() < deadline) await sleep(AGAIN_MS);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #isHeld(): boolean {
    return readdirSync(this.folder).some((name) => {
      const held = readPidFile(join(this.folder, name));
      return held !== null && isRunning(held);
    });
  }
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
