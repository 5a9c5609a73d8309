/**
 * The student's own folder of a lab, and what is remembered about it.
 *
 * Lives here: start, reset, finding it again, hints, the last verdict (`.lab.json`). Does not live here: checks.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { isRunning, readPidFile } from '../../../ssmmp/shell/process-identity.ts';
import type { LabResult } from '../core/result.ts';
import { findLab, LabError, readLab } from './lab-folder.ts';
import type { Lab } from './lab-folder.ts';
import { labFiles, OWN_STATE_DIR } from './places.ts';
import type { Places } from './places.ts';
import { prepareFolder } from './prepare.ts';
import { servicesOf, writeRepository } from './repository.ts';

/** Below the folder where the student types. */
export const WORK_FOLDERS = 'my-labs';
const MEMORY_FILE = '.lab.json';

const memoryShape = z.object({
  lab: z.string(),
  started: z.string(),
  hints: z.record(z.string(), z.number()).default({}),
  last: z
    .object({
      time: z.string(),
      points: z.number(),
      points_max: z.number(),
      verdict: z.string(),
      report: z.string(),
      failed: z.array(z.string()),
    })
    .nullable()
    .default(null),
  /** Most points that a whole check gave. */
  best: z.number().default(0),
});

/** What is remembered of a working folder. */
export type Memory = z.infer<typeof memoryShape>;

export interface WorkFolder {
  readonly folder: string;
  readonly lab: Lab;
}

/** Makes the working folder with the starter's files and the text. Throws LabError where there is one already. */
export async function startWork(lab: Lab, folder: string, places: Places): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new LabError(
      `${shortPath(folder)} is there already: go on in it, or begin again with \`npx ssmmp lab reset ${lab.number}\` (which keeps a copy)`,
    );
  mkdirSync(folder, { recursive: true });
  copyText(lab, folder);
  copyInto(labFiles.starter(lab.folder), folder);
  await prepareFolder(lab, folder, places);
  const services = servicesOf(lab.folder);
  if (services.size > 0) await writeRepository(services, folder, places);
  writeMemory(folder, { lab: lab.name, started: new Date().toISOString(), hints: {}, last: null, best: 0 });
}

/** Begins again; what was there is moved to the folder that is given back. Throws LabError while a cluster runs there. */
export async function resetWork(lab: Lab, folder: string, places: Places): Promise<string> {
  if (!existsSync(folder)) throw new LabError(`${shortPath(folder)} is not there: nothing to reset`);
  const owner = readPidFile(join(folder, OWN_STATE_DIR, 'up.lock'));
  if (owner !== null && isRunning(owner))
    throw new LabError(`a cluster runs from ${shortPath(folder)}: end it with \`npx ssmmp down\` there first`);
  const copy = `${folder}.before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(folder, copy);
  await startWork(lab, folder, places);
  return copy;
}

/**
 * The working folder a person means: `--dir`, else the folder they stand in, else my-labs/<name> from there or from the clone.
 * `wanted` is a lab's number or name; it may be left out where the folder tells. Throws LabError.
 */
export function findWork(places: Places, wanted: string | null, dir: string | null): WorkFolder {
  if (dir !== null) {
    const folder = resolve(dir);
    const name = readMemory(folder)?.lab ?? null;
    if (wanted === null && name === null)
      throw new LabError(
        `${dir} is no working folder of a lab; say which lab it is, such as \`lab check 0 --dir ${dir}\``,
        true,
      );
    return { folder, lab: wanted === null ? readLab(places, name as string) : findLab(places, wanted) };
  }
  const here = readMemory(process.cwd());
  const lab = wanted === null ? null : findLab(places, wanted);
  if (here !== null && (lab === null || lab.name === here.lab))
    return { folder: process.cwd(), lab: readLab(places, here.lab) };
  if (lab === null)
    throw new LabError(
      'which lab? Say its number, or stand in its working folder; `npx ssmmp lab list` shows all',
      true,
    );
  const folder = workFolders(places, lab.name).find((each) => readMemory(each) !== null);
  if (folder !== undefined) return { folder, lab };
  throw new LabError(`lab ${lab.number} was not started: begin with \`npx ssmmp lab start ${lab.number}\``);
}

/** Where the working folder of a lab may be, the likeliest first. */
export function workFolders(places: Places, name: string): string[] {
  return [...new Set([process.cwd(), places.root])].map((from) => join(from, WORK_FOLDERS, name));
}

/** What is remembered; null where the folder is none of ours. */
export function readMemory(folder: string): Memory | null {
  try {
    return memoryShape.parse(JSON.parse(readFileSync(join(folder, MEMORY_FILE), 'utf8')));
  } catch {
    return null; // no file, or one that somebody edited: then it is not remembered
  }
}

/** Remembers the verdict; `isWhole` where no item was left out. */
export function rememberVerdict(folder: string, result: LabResult, isWhole: boolean, report: string): void {
  const memory = readMemory(folder);
  if (memory === null) return;
  const { time, points, points_max, verdict } = result;
  const failed = result.items.filter(({ status }) => status === 'failed').map(({ name }) => name);
  const best = isWhole ? Math.max(memory.best, points) : memory.best;
  writeMemory(folder, { ...memory, best, last: { time, points, points_max, verdict, report, failed } });
}

/** The next hint for an item, and how many it has shown now. Shows the last one again when there are no more. */
export function nextHint(
  folder: string,
  lab: Lab,
  item: string,
): { readonly text: string; readonly step: number; readonly of: number } {
  const memory = readMemory(folder);
  const hints = lab.checks.find(({ name }) => name === item)?.hints ?? [];
  const step = Math.min((memory?.hints[item] ?? 0) + 1, hints.length);
  if (memory !== null) writeMemory(folder, { ...memory, hints: { ...memory.hints, [item]: step } });
  return { text: hints[step - 1] ?? '', step, of: hints.length };
}

/** Copies what is in a folder over another; files of the first win. */
export function copyInto(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}

/** From here where it lies below here. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === '' ? '.' : fromHere.startsWith('..') ? path : fromHere;
}

/** The chapter and its pictures. */
function copyText(lab: Lab, folder: string): void {
  cpSync(labFiles.chapter(lab.folder), join(folder, 'README.md'));
  copyInto(join(lab.folder, 'pictures'), join(folder, 'pictures'));
}

function writeMemory(folder: string, memory: Memory): void {
  writeFileSync(join(folder, MEMORY_FILE), `${JSON.stringify(memory, null, 2)}\n`);
}
