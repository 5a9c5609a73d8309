/**
 * `npm run labs-proof`: everything that proves the graders, slow labs included, and each solution ten times in a row.
 *
 *     npm run labs-proof                    all labs
 *     npm run labs-proof -- 0 3             these
 *     npm run labs-proof -- --times 3       so many times
 *     npm run labs-proof -- --pictures 0    draws the chapter's pictures from a run of the solution, and nothing else
 *
 * Lives here: the order, and one line for each. Does not live here: what is proven (labs/runner/shell/proof.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sequenceSvg } from '../../labs/runner/core/sequence.ts';
import { loadModule } from '../../labs/runner/shell/bundle.ts';
import { readEvidence } from '../../labs/runner/shell/evidence.ts';
import type { Evidence } from '../../labs/runner/shell/evidence.ts';
import { findLab, readLabs } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import { OWN_STATE_DIR, placesOf } from '../../labs/runner/shell/places.ts';
import { Proof } from '../../labs/runner/shell/proof.ts';
import { shipSolution } from '../../labs/runner/shell/shipped.ts';
import type { TraceEntry } from '../../ssmmp/core/trace.ts';

const places = placesOf(fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, ''));
const TIMES = 10;

const args = process.argv.slice(2);
const timesAt = args.indexOf('--times');
const times = timesAt === -1 ? TIMES : Number(args.splice(timesAt, 2)[1]);
const isDrawing = args.includes('--pictures');
const wanted = args.filter((word) => word !== '--pictures');
const labs = wanted.length === 0 ? readLabs(places) : wanted.map((word) => findLab(places, word));

for (const lab of labs) await (isDrawing ? draw(lab) : prove(lab));

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
  proof.clean();
}

async function draw(lab: Lab): Promise<void> {
  const source = join(lab.folder, 'pictures.ts');
  if (!existsSync(source)) return console.log(`${lab.name} has no pictures.ts`);
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-pictures-'));
  try {
    await shipSolution(lab, join(folder, 'work'), places, 1);
    const evidence = await readEvidence(join(folder, 'work', OWN_STATE_DIR));
    if (evidence === null) throw new Error(`the solution of ${lab.name} leaves no cluster in its working folder`);
    const module = await loadModule<{ pictures: (evidence: Evidence) => Record<string, readonly TraceEntry[]> }>(
      source,
      join(folder, 'pictures.js'),
      places,
    );
    mkdirSync(join(lab.folder, 'pictures'), { recursive: true });
    for (const [name, entries] of Object.entries(module.pictures(evidence))) {
      const path = join(lab.folder, 'pictures', `${name}.svg`);
      writeFileSync(path, `${sequenceSvg(asShown(entries))}\n`);
      console.log(path);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Chapters show addresses of 127.0.0, whatever subnet the run had. */
function asShown(entries: readonly TraceEntry[]): TraceEntry[] {
  const shown = (text: string): string => text.replaceAll(/127\.\d+\.\d+\.(\d+)/g, '127.0.0.$1');
  return entries.map((entry) => ({
    ...entry,
    from: shown(entry.from),
    to: shown(entry.to),
    exchange: shown(entry.exchange),
    message: shown(entry.message),
  }));
}
