/**
 * `npm run labs-proof`: everything that proves the graders, slow labs included, and each solution ten times in a row.
 *
 * Lives here: the order, and one line for each. Does not live here: what is proven (labs/runner/shell/proof.ts).
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssertionError } from 'chai';
import { commandLine, wholeNumber } from '../../scripts/command-line.ts';
import { findLab, readLabs } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import { drawPictures } from '../../labs/runner/shell/pictures.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import { Proof } from '../../labs/runner/shell/proof.ts';
import { typeChapter } from './type-chapter.ts';

const places = placesOf(fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, ''));
const TIMES = 10;

const command = commandLine('labs-proof', 'everything that proves the graders of the labs, slow labs included', [
  ['', 'all labs: starter, solution ten times in a row, wrong answers, chapter'],
  ['0 3', 'these'],
  ['--times 3 5', 'the solution three times in a row'],
  ['--pictures 0', "draws the chapter's pictures from a run of the solution, and nothing else"],
])
  .argument('[labs...]', 'their numbers or folders')
  .option('--times <count>', 'how often in a row a solution has to pass', wholeNumber(1, 1000), TIMES)
  .option('--pictures', 'draw the pictures instead', false)
  .parse();
const { times, pictures: isDrawing } = command.opts<{ times: number; pictures: boolean }>();
const labs = labsNamed(command.args);

for (const lab of labs) await (isDrawing ? draw(lab) : prove(lab));

/** The labs of these names, all if there is none. A name that nobody knows ends the run with a sentence. */
function labsNamed(names: readonly string[]): readonly Lab[] {
  if (names.length === 0) return readLabs(places);
  try {
    return names.map((name) => findLab(places, name));
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

async function prove(lab: Lab): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-proof-'));
  const proof = new Proof(lab, places, folder);
  const tell = async (what: string, action: () => Promise<string | null>): Promise<void> => {
    const started = performance.now();
    const wrong = await action();
    console.log(
      `${wrong === null ? '✔' : '✘'} ${lab.name}: ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
    );
    if (wrong === null) return;
    console.log(wrong);
    process.exitCode = 1;
  };
  await tell('the starter fails', () => proof.starter());
  for (let seed = 1; seed <= times; seed += 1)
    await tell(`the solution passes, ${seed} of ${times}`, () => proof.solution(seed));
  for (const name of lab.wrong.keys()) await tell(`wrong: ${name}`, () => proof.wrong(name));
  await tell('the chapter does what it says', () => typed(lab));
  proof.clean();
}

/** What the chapter says that is not so; null: nothing. */
async function typed(lab: Lab): Promise<string | null> {
  try {
    await typeChapter(lab, places);
    return null;
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
}

async function draw(lab: Lab): Promise<void> {
  const pictures = await drawPictures(lab, places);
  if (pictures === null) return console.log(`${lab.name} has no pictures.ts`);
  mkdirSync(join(lab.folder, 'pictures'), { recursive: true });
  for (const [name, svg] of pictures) {
    const path = join(lab.folder, 'pictures', `${name}.svg`);
    writeFileSync(path, svg);
    console.log(path);
  }
}
