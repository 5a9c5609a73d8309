/**
 * Running the check of a lab on a folder: in a process of its own, which is killed where it computes without end.
 *
 * Lives here: that process, seen from outside, and adding up what it tells. Does not live here: how it runs the items
 * (check-process.ts), what a check expects (the lab's check.ts), what is written about it (run-folder.ts).
 *
 * Theory. Mostly the process keeps time itself: it ends an item that waits too long, and goes on. From here it is only asked
 * whether it still answers, once an item is over its time or somebody has pressed Ctrl-C. If it does not, it is killed, with
 * everything it had started; the items that are left run in another one.
 */
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cutAbandoned } from '../../../ssmmp/shell/lifeline.ts';
import type { LabItem } from '../core/lab-file.ts';
import type { Diagram, Exhibit } from '../core/report.ts';
import { scored } from '../core/result.ts';
import type { ItemResult, LabResult } from '../core/result.ts';
import type { CheckTask, FromCheck, Sights, ToCheck } from './check-words.ts';
import { interrupted, itemResult, tooLate } from './item-result.ts';
import type { Lab } from './lab-folder.ts';
import type { Places } from './places.ts';
import type { Work } from './work.ts';

/** The code of the items, by their names in lab.yaml. */
export type CheckItems = Readonly<Record<string, (work: Work) => Promise<void> | void>>;

export interface CheckOptions {
  readonly seed: number;
  /** Names of items; empty: all. */
  readonly only: readonly string[];
  /** Leaves out the items that start processes. */
  readonly quickOnly: boolean;
  /** Where this run leaves what it made; it exists. */
  readonly runFolder: string;
  /** The command that does it again, without its --seed. */
  readonly command: string;
  /** Ends the run early. */
  readonly stop?: AbortSignal;
}

export interface Checked {
  readonly result: LabResult;
  readonly exhibits: readonly Exhibit[];
  readonly diagrams: readonly Diagram[];
}

const PROGRAM = 'lab-check.js';
/** Building and loading a check takes a tenth of a second. */
const LOAD_MS = 60_000;
/** Clusters have so long to end after an item (Scope, Lifeline), before anybody asks. */
const CLOSE_MS = 60_000;
/** Who does not answer for so long, when asked, computes without end. */
const SILENT_MS = 2_000;
/** The same after a Ctrl-C, when nothing is lost by asking no longer. */
const SILENT_STOPPED_MS = 1_000;
const ASK_MS = 200;

/** Runs a check. Never rejects for what a student did; a check.ts that cannot be built or loaded makes every item broken. */
export async function runCheck(lab: Lab, folder: string, places: Places, options: CheckOptions): Promise<Checked> {
  const started = performance.now();
  const time = new Date().toISOString();
  const { seed, runFolder, stop } = options;
  const lifelines = join(runFolder, 'built', 'lifelines');
  mkdirSync(lifelines, { recursive: true });
  const wanted = lab.checks.filter((item) => !isLeftOut(item, options));
  const run = new Told();
  for (let left = wanted; left.length > 0 && stop?.aborted !== true; left = run.missingOf(wanted)) {
    const items = left.map(({ name }) => name);
    await runProcess({ lab, folder, places, seed, items, runFolder, lifelines }, run, stop);
  }
  const items: ItemResult[] = [];
  for (const item of lab.checks) {
    const result = isLeftOut(item, options) ? itemResult(item, 'left out', 0, null) : run.results.get(item.name);
    if (result !== undefined) items.push(result);
    else if (items.some(({ status }) => status === 'failed' || status === 'broken')) break;
    // it was ended between two items: what was not asked must not look passed
    else items.push(itemResult(item, 'failed', 0, interrupted(item, 0)));
  }
  const result = scored({
    lab: lab.name,
    title: lab.title,
    folder,
    time,
    seed,
    used_seed: run.usedSeed,
    took_ms: Math.round(performance.now() - started),
    items,
    again: run.usedSeed ? `${options.command} --seed ${seed}` : options.command,
  });
  return { result, exhibits: run.exhibits, diagrams: run.diagrams };
}

function isLeftOut(item: LabItem, { only, quickOnly }: CheckOptions): boolean {
  return only.length > 0 ? !only.includes(item.name) : quickOnly && item.live;
}

/** What the processes of a run have told. */
class Told {
  readonly results = new Map<string, ItemResult>();
  readonly exhibits: Exhibit[] = [];
  readonly diagrams: Diagram[] = [];
  usedSeed = false;

  missingOf(items: readonly LabItem[]): LabItem[] {
    return items.filter(({ name }) => !this.results.has(name));
  }

  see({ exhibits, diagrams, usedSeed }: Sights): void {
    this.exhibits.push(...exhibits);
    const known = new Set(this.diagrams.map(({ title }) => title));
    this.diagrams.push(...diagrams.filter(({ title }) => !known.has(title)));
    this.usedSeed ||= usedSeed;
  }

  /** An item whose process is gone. Nobody knows whether it had used the seed: better to name it than not to. */
  give(result: ItemResult): void {
    this.results.set(result.name, result);
    this.usedSeed = true;
  }
}

/** What the process does now, since when, and how long that may last before it is asked whether it still answers. */
interface Phase {
  /** The item under way; null while it loads or cleans up. */
  readonly item: LabItem | null;
  readonly sinceMs: number;
  readonly limitMs: number;
}

/** One process. Gives at least one of the task's items a result, unless it was stopped. Everything it started has ended then. */
async function runProcess(task: CheckTask, run: Told, stop: AbortSignal | undefined): Promise<void> {
  const before = run.results.size;
  const wanted = task.lab.checks.filter(({ name }) => task.items.includes(name));
  const child = fork(join(task.places.dist, PROGRAM), [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const say = (word: ToCheck): void => void (child.connected && child.send(word, () => undefined)); // it may have ended
  const enter = (limitMs: number, item: LabItem | null = null): Phase => ({
    item,
    sinceMs: performance.now(),
    limitMs,
  });
  let phase = enter(LOAD_MS);
  let askedMs: number | null = null;
  let isSilent = false;
  child.on('message', (word: FromCheck) => {
    askedMs = null;
    switch (word.kind) {
      case 'begun': {
        const item = wanted.find(({ name }) => name === word.item) ?? null;
        phase = enter((item?.seconds ?? 0) * 1000, item);
        return;
      }
      case 'done':
        run.results.set(word.result.name, word.result);
        phase = enter(CLOSE_MS);
        return;
      case 'closed':
      case 'over':
        phase = enter(CLOSE_MS);
        return run.see(word.sights);
      case 'pong':
        return;
    }
  });
  const onStop = (): void => say({ kind: 'stop' });
  const asking = setInterval(() => {
    const now = performance.now();
    if (stop?.aborted !== true && now - phase.sinceMs < phase.limitMs) return;
    askedMs ??= now;
    isSilent ||= now - askedMs > (stop?.aborted === true ? SILENT_STOPPED_MS : SILENT_MS);
    if (isSilent) child.kill('SIGKILL');
    else say({ kind: 'ping' });
  }, ASK_MS);
  stop?.addEventListener('abort', onStop);
  say({ kind: 'check', task });
  const end = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
  clearInterval(asking);
  stop?.removeEventListener('abort', onStop);
  await cutAbandoned(task.lifelines);
  const tookMs = performance.now() - phase.sinceMs;
  if (phase.item !== null)
    run.give(itemOf(phase.item, tookMs, stop?.aborted === true ? 'stopped' : isSilent ? 'silent' : end));
  else if (run.results.size === before && stop?.aborted !== true)
    // it got nowhere, so neither would another
    for (const item of run.missingOf(wanted))
      run.give(itemResult(item, 'broken', 0, goneText(isSilent, end, 'loaded')));
}

/** What the item that was under way came to. `end`: `silent` where its process was killed, else how that ended by itself. */
function itemOf(item: LabItem, tookMs: number, end: string): ItemResult {
  if (end === 'stopped') return itemResult(item, 'failed', tookMs, interrupted(item, tookMs));
  if (end !== 'silent') return itemResult(item, 'broken', tookMs, goneText(false, end, 'ran this item'));
  const came = `it was still computing after ${(tookMs / 1000).toFixed(1)} s, and was killed`;
  return itemResult(item, 'failed', tookMs, tooLate(item, came));
}

function goneText(isSilent: boolean, end: string, doing: string): string {
  const what = isSilent ? 'did not answer any more, and was killed,' : `ended (${end})`;
  return `the process of the check ${what} while it ${doing}`;
}
