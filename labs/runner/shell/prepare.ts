/**
 * Parts of a lab that are code and no check: what makes its working folder ready, and programs that students run.
 *
 * Lives here: loading and calling them. Does not live here: what they do (the lab's prepare.ts and programs/).
 *
 * Why code: some starters cannot be files in git. A broken copy of the clone's own sources must be made from the sources as
 * they are today.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModule } from './bundle.ts';
import { LabError } from './lab-folder.ts';
import type { Lab } from './lab-folder.ts';
import { PREPARE_FILE, PROGRAMS_FOLDER } from './places.ts';
import type { Places } from './places.ts';
import { Scope } from './programs.ts';
import { isUnmet } from './unmet.ts';
import { RunState, Work } from './work.ts';

/** What prepare.ts exports as `prepare`. `work` is the new folder, with the starter's files in it. */
export type Prepare = (work: Work) => Promise<void> | void;

/** What a file of programs/ exports as `program`. Gives the exit code. What a student did wrong may be thrown as Unmet. */
export type LabProgram = (work: Work, words: readonly string[]) => Promise<number>;

/** Lets a lab's prepare.ts make the folder ready, where it has one. */
export async function prepareFolder(lab: Lab, folder: string, places: Places): Promise<void> {
  const file = join(lab.folder, PREPARE_FILE);
  if (!existsSync(file)) return;
  await withCode<{ prepare: Prepare }, void>(
    file,
    lab,
    folder,
    places,
    async ({ prepare }, work) => await prepare(work),
  );
}

/** Names of the programs that a lab has for its students. */
export function programsOf(lab: Lab): string[] {
  const folder = join(lab.folder, PROGRAMS_FOLDER);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.filter((name) => name.endsWith('.ts')).map((name) => name.slice(0, -'.ts'.length));
}

/** Runs a program of a lab on a working folder; gives its exit code. Throws LabError where there is none of that name. */
export async function runLabProgram(
  lab: Lab,
  name: string,
  words: readonly string[],
  folder: string,
  places: Places,
): Promise<number> {
  const names = programsOf(lab);
  if (!names.includes(name)) {
    const there = names.length === 0 ? 'it has none' : `there is ${names.join(', ')}`;
    throw new LabError(`lab ${lab.number} has no program '${name}'; ${there}`, true);
  }
  const file = join(lab.folder, PROGRAMS_FOLDER, `${name}.ts`);
  try {
    return await withCode<{ program: LabProgram }, number>(file, lab, folder, places, ({ program }, work) =>
      program(work, words),
    );
  } catch (error) {
    if (!isUnmet(error)) throw error;
    const { expected, came, remark } = error.text;
    throw new LabError(`expected ${expected}\ncame ${came}${remark === undefined ? '' : `\n${remark}`}`);
  }
}

async function withCode<Module, Result>(
  file: string,
  lab: Lab,
  folder: string,
  places: Places,
  call: (code: Module, work: Work) => Promise<Result>,
): Promise<Result> {
  const built = mkdtempSync(join(tmpdir(), 'ssmmp-lab-'));
  const scope = new Scope();
  try {
    const code = await loadModule<Module>(file, join(built, 'code.cjs'), places);
    return await call(
      code,
      new Work({ lab: lab.name, folder, places, seed: 1, run: new RunState(scope, built), scope }),
    );
  } finally {
    await scope.close();
    rmSync(built, { recursive: true, force: true });
  }
}
