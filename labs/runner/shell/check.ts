/**
 * Running the check of a lab on a folder: item by item, each with its deadline, everything ended afterwards.
 *
 * Lives here: that. Does not live here: what a check expects (the lab's check.ts), what is written about it
 * (run-folder.ts).
 */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LabItem } from '../core/lab-file.ts';
import type { Diagram, Exhibit } from '../core/report.ts';
import { scored } from '../core/result.ts';
import type { ItemResult, LabResult } from '../core/result.ts';
import { loadModule } from './bundle.ts';
import type { Lab } from './lab-folder.ts';
import { labFiles } from './places.ts';
import type { Places } from './places.ts';
import { Scope } from './programs.ts';
import { isUnmet } from './unmet.ts';
import type { Unmet } from './unmet.ts';
import { RunState, Work } from './work.ts';

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
  /** Told of each item when it is done. */
  readonly onItem?: (item: ItemResult) => void;
  /** Ends the run early. */
  readonly stop?: AbortSignal;
}

export interface Checked {
  readonly result: LabResult;
  readonly exhibits: readonly Exhibit[];
  readonly diagrams: readonly Diagram[];
}

/** Runs a check. Never rejects for what a student did; a check.ts that cannot be built or loaded makes every item broken. */
export async function runCheck(lab: Lab, folder: string, places: Places, options: CheckOptions): Promise<Checked> {
  const started = performance.now();
  const time = new Date().toISOString();
  mkdirSync(join(options.runFolder, 'built'), { recursive: true });
  const scope = new Scope();
  const onStop = (): void => void scope.close();
  options.stop?.addEventListener('abort', onStop);
  const run = new RunState(scope, options.runFolder);
  const items: ItemResult[] = [];
  try {
    const code = await checkItems(lab, options.runFolder, places).catch((error: unknown) => error as Error);
    for (const item of lab.checks) {
      const result = isLeftOut(item, options)
        ? itemResult(item, 'left out', 0, null)
        : code instanceof Error
          ? itemResult(item, 'broken', 0, code)
          : await runItem(
              item,
              code,
              (own) => new Work({ lab: lab.name, folder, places, seed: options.seed, run, scope: own }),
            );
      items.push(result);
      options.onItem?.(result);
      if (options.stop?.aborted === true) break;
    }
  } finally {
    options.stop?.removeEventListener('abort', onStop);
    await scope.close();
  }
  const again = run.usedSeed ? `${options.command} --seed ${options.seed}` : options.command;
  const result = scored({
    lab: lab.name,
    title: lab.title,
    folder,
    time,
    seed: options.seed,
    used_seed: run.usedSeed,
    took_ms: Math.round(performance.now() - started),
    items,
    again,
  });
  return { result, exhibits: run.exhibits, diagrams: run.diagrams };
}

function isLeftOut(item: LabItem, { only, quickOnly }: CheckOptions): boolean {
  return only.length > 0 ? !only.includes(item.name) : quickOnly && item.live;
}

async function checkItems(lab: Lab, runFolder: string, places: Places): Promise<CheckItems> {
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

async function runItem(item: LabItem, code: CheckItems, workOf: (scope: Scope) => Work): Promise<ItemResult> {
  const started = performance.now();
  const scope = new Scope();
  const took = (): number => Math.round(performance.now() - started);
  try {
    await withDeadline(item, async () => await code[item.name]?.(workOf(scope)));
    return itemResult(item, 'passed', took(), null);
  } catch (error) {
    return itemResult(item, isUnmet(error) ? 'failed' : 'broken', took(), error);
  } finally {
    await scope.close();
  }
}

/** An item that is not done in time has failed: nearly always it waits for something the student's work should have done. */
async function withDeadline(item: LabItem, action: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = { expected: `done within ${item.seconds} s`, came: 'it was not' };
      reject(Object.assign(new Error('late'), { name: 'Unmet', text }));
    }, item.seconds * 1000);
  });
  try {
    await Promise.race([action(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function itemResult(item: LabItem, status: ItemResult['status'], tookMs: number, error: unknown): ItemResult {
  const { name, says, points, page } = item;
  const unmet: Unmet['text'] | null = isUnmet(error) && status === 'failed' ? error.text : null;
  return {
    name,
    says,
    points_max: points,
    points: status === 'passed' ? points : 0,
    status,
    took_ms: tookMs,
    failure:
      unmet === null
        ? null
        : { expected: unmet.expected, came: unmet.came, page: unmet.page ?? page, remark: unmet.remark ?? null },
    error: status !== 'broken' ? null : error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
