/**
 * What ships with a lab, as working folders: the starter, the solution, the wrong answers.
 *
 * Lives here: copying and playing. Does not live here: whether they pass or fail as they should (proof.ts).
 *
 * A solution is the starter with the files of solution/ over it, and then what its play.ts does at the terminal. A wrong
 * answer is a solution that was played, with the files of wrong/<name>/ over it, and then what its own play.ts does: so a wrong
 * word in an answer needs no cluster of its own.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Play } from '../api.ts';
import { loadModule } from './bundle.ts';
import { LabError } from './lab-folder.ts';
import type { Lab } from './lab-folder.ts';
import { labFiles, PLAY_FILE } from './places.ts';
import type { Places } from './places.ts';
import { prepareFolder } from './prepare.ts';
import { Scope } from './programs.ts';
import { RunState, Work } from './work.ts';
import { copyInto } from './work-folder.ts';

/** Makes `folder` what a student has who did nothing. */
export async function shipStarter(lab: Lab, folder: string, places: Places): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyInto(labFiles.starter(lab.folder), folder);
  await prepareFolder(lab, folder, places);
}

/** Makes `folder` what a student has who did everything right. */
export async function shipSolution(lab: Lab, folder: string, places: Places, seed: number): Promise<void> {
  await shipStarter(lab, folder, places);
  const solution = labFiles.solution(lab.folder);
  copyInto(solution, folder);
  rmSync(join(folder, PLAY_FILE), { force: true });
  await play(join(solution, PLAY_FILE), lab, folder, places, seed, ['operate', 'answer']);
}

/** Makes `folder` a wrong answer out of `solved`, a folder that shipSolution made. */
export async function shipWrong(
  lab: Lab,
  name: string,
  solved: string,
  folder: string,
  places: Places,
  seed: number,
): Promise<void> {
  if (!lab.wrong.has(name))
    throw new LabError(
      `lab ${lab.number} has no wrong answer '${name}'; there are ${[...lab.wrong.keys()].join(', ')}`,
      true,
    );
  copyInto(solved, folder);
  const wrong = labFiles.wrong(lab.folder, name);
  copyInto(wrong, folder);
  rmSync(join(folder, PLAY_FILE), { force: true });
  await play(join(wrong, PLAY_FILE), lab, folder, places, seed, ['operate', 'answer']);
}

/** Does some of what a play.ts says, where there is one. What it starts is over when this is done. */
export async function play(
  file: string,
  lab: Lab,
  folder: string,
  places: Places,
  seed: number,
  parts: readonly (keyof Play)[],
): Promise<void> {
  if (!existsSync(file)) return;
  const built = `${folder}.played`;
  try {
    const played = await loadModule<Play>(file, join(built, `${parts.join('-')}.cjs`), places);
    for (const part of parts) {
      // each with a scope of its own: what `operate` started has stopped, and written its last line, before `answer` reads
      const scope = new Scope();
      try {
        await played[part]?.(new Work({ lab: lab.name, folder, places, seed, run: new RunState(scope, built), scope }));
      } finally {
        await scope.close();
      }
    }
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
}
