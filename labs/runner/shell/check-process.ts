/**
 * The process that runs a check's code: item by item, each with its deadline, everything ended afterwards.
 *
 * Lives here: that. Does not live here: watching this process and ending it where it computes without end (check.ts), what a
 * check expects (the lab's check.ts).
 *
 * Theory. A deadline is a timer, and a Ctrl-C is an event: code that computes without end (`for (;;) {}`) hears of neither. So it
 * runs in a process of its own, which another can kill. That other may itself be killed: a thread of ours looks after it, since
 * a thread goes on whatever the main one computes.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LabItem } from '../core/lab-file.ts';
import { loadModule } from './bundle.ts';
import type { CheckItems } from './check.ts';
import type { CheckTask, FromCheck, Sights, ToCheck } from './check-words.ts';
import { interrupted, itemResult, tooLate } from './item-result.ts';
import { labFiles } from './places.ts';
import { Scope } from './programs.ts';
import { isUnmet } from './unmet.ts';
import { RunState, Work } from './work.ts';

/** Once this process is nobody's child any more it has ten seconds to clean up; then it ends, whatever it computes. */
const ORPHAN_WATCH = `
  const { ppid } = process;
  let left = 20;
  setInterval(() => { if (process.ppid !== ppid && (left -= 1) < 0) process.kill(process.pid, 'SIGKILL'); }, 500);`;

/** Waits for the task, does it, tells, ends. */
export function attendCheck(): void {
  // A Ctrl-C of a terminal reaches this process too: what is to be done then is said by the other. SIGUSR1 opens Node's debugger.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined);
  new Worker(ORPHAN_WATCH, { eval: true }).unref();
  const stop = new AbortController();
  process.on('disconnect', () => stop.abort());
  process.on('message', (word: ToCheck) => {
    switch (word.kind) {
      case 'check':
        // what a check has left running (a timer, a socket) does not keep it
        void runItems(word.task, stop.signal).then((sights) =>
          process.send?.({ kind: 'over', sights } satisfies FromCheck, () => process.exit(0)),
        );
        return;
      case 'ping':
        return tell({ kind: 'pong' });
      case 'stop':
        return stop.abort();
    }
  });
}

function tell(word: FromCheck): void {
  if (process.connected) process.send?.(word);
}

async function runItems(task: CheckTask, stop: AbortSignal): Promise<Sights> {
  const { lab, folder, places, seed, runFolder, lifelines } = task;
  const scope = new Scope(lifelines);
  stop.addEventListener('abort', () => void scope.close());
  const run = new RunState(scope, runFolder);
  // a process before this one may have been killed
  run.clusters = readdirSync(runFolder).filter((name) => /^cluster-\d+$/.test(name)).length;
  try {
    const code = await checkItems(task).catch((error: unknown) => error as Error);
    for (const item of lab.checks.filter(({ name }) => task.items.includes(name))) {
      if (stop.aborted) break;
      if (code instanceof Error) tell({ kind: 'done', result: itemResult(item, 'broken', 0, code) });
      else {
        const own = new Scope(lifelines);
        const work = new Work({ lab: lab.name, folder, places, seed, run, scope: own });
        await runItem(item, async () => await code[item.name]?.(work), own, stop);
        tell({ kind: 'closed', sights: newSights(run) });
      }
    }
  } finally {
    await scope.close();
  }
  return newSights(run);
}

/** Exhibits are told once; diagrams stay, as another item may show one of the same title. */
function newSights(run: RunState): Sights {
  return { exhibits: run.exhibits.splice(0), diagrams: [...run.diagrams], usedSeed: run.usedSeed };
}

async function checkItems({ lab, runFolder, places }: CheckTask): Promise<CheckItems> {
  const path = labFiles.check(lab.folder);
  const module = await loadModule<{ checks?: CheckItems }>(path, join(runFolder, 'built', 'check.cjs'), places);
  const { checks } = module;
  const place = relative(places.root, path);
  if (checks === undefined) throw new Error(`${place} exports no \`checks\``);
  const [have, want] = [Object.keys(checks), lab.checks.map(({ name }) => name)];
  const differing = [...want.filter((name) => !have.includes(name)), ...have.filter((name) => !want.includes(name))];
  if (differing.length > 0)
    throw new Error(`${place} and lab.yaml do not name the same items: ${differing.join(', ')}`);
  return checks;
}

async function runItem(item: LabItem, action: () => Promise<void>, scope: Scope, stop: AbortSignal): Promise<void> {
  const started = performance.now();
  const took = (): number => performance.now() - started;
  tell({ kind: 'begun', item: item.name });
  try {
    await endedBy(item, action, took, stop);
    tell({ kind: 'done', result: itemResult(item, 'passed', took(), null) });
  } catch (error) {
    tell({ kind: 'done', result: itemResult(item, isUnmet(error) ? 'failed' : 'broken', took(), error) });
  } finally {
    await scope.close();
  }
}

/** The action's own end, or that of its time, or a Ctrl-C: whichever comes first. */
async function endedBy(
  item: LabItem,
  action: () => Promise<void>,
  took: () => number,
  stop: AbortSignal,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onStop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(item)), item.seconds * 1000);
    onStop = () => reject(interrupted(item, took()));
    stop.addEventListener('abort', onStop);
  });
  try {
    await Promise.race([action(), over]);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
  }
}
