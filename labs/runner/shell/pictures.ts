/**
 * The pictures of a chapter, from a run of the lab's solution.
 *
 * Lives here: making that run, and asking the lab's pictures.ts about it. Does not live here: drawing (core/picture.ts), where
 * the files are put (test/labs/main.ts).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pictureSvg } from '../core/picture.ts';
import type { Pictures } from '../core/picture.ts';
import { loadModule } from './bundle.ts';
import type { Lab } from './lab-folder.ts';
import type { Places } from './places.ts';
import { Scope } from './programs.ts';
import { shipSolution } from './shipped.ts';
import { RunState, Work } from './work.ts';

/** What a lab's pictures.ts exports. `work` is the solution as it was played, as a check has it. */
export type Draw = (work: Work) => Promise<Pictures>;

/** SVG documents by the names of their files without `.svg`; null where the lab has no pictures.ts. */
export async function drawPictures(lab: Lab, places: Places): Promise<ReadonlyMap<string, string> | null> {
  const source = join(lab.folder, 'pictures.ts');
  if (!existsSync(source)) return null;
  const made = mkdtempSync(join(tmpdir(), 'ssmmp-pictures-'));
  const scope = new Scope();
  try {
    const folder = join(made, 'work');
    await shipSolution(lab, folder, places, 1);
    const { pictures } = await loadModule<{ pictures: Draw }>(source, join(made, 'pictures.cjs'), places);
    const run = new RunState(scope, join(made, 'run'));
    const drawn = await pictures(new Work({ lab: lab.name, folder, places, seed: 1, run, scope }));
    return new Map(Object.entries(drawn).map(([name, picture]) => [name, pictureSvg(picture)]));
  } finally {
    await scope.close();
    rmSync(made, { recursive: true, force: true });
  }
}
