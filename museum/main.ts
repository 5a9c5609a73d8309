/**
 * `npm run museum`: every mutant, planted and hunted.
 *
 *     npm run museum                            all: its own catcher, and the searches where they can find it; writes docs/museum.md
 *     npm run museum -- --list                  their names
 *     npm run museum -- tombstone-dropped       one: hunted again, its row of docs/museum.md written anew
 *     npm run museum -- --plant tombstone-dropped FOLDER     its sources, to look at, to build, to run
 *
 * Lives here: the command line. Does not live here: the mutants, the hunt. Exit code 1: one got away.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catchAll, catchMutant, type Catch } from './catch.ts';
import { MUTANTS, mutantNamed } from './list.ts';
import type { Mutant } from './mutant.ts';
import { museumPage, type Finding } from './page.ts';
import { makeTree, ROOT } from './tree.ts';

const WORKERS = 2;
/** Searches for a mutant of a machine, smallest first. */
const SPACES = ['moves', 'crash', 'fault-in-time'];

const FINDINGS = join(ROOT, 'museum', 'findings.json');

const { values, positionals } = parseArgs({
  options: { list: { type: 'boolean', default: false }, plant: { type: 'string' } },
  allowPositionals: true,
});
if (values.list) for (const { name, breaks } of MUTANTS) console.log(`${name.padEnd(32)} ${breaks}`);
else if (values.plant !== undefined) plantFor(mutantNamed(values.plant), positionals[0]);
else if (positionals.length > 0) process.exitCode = await hunt(positionals.map(mutantNamed));
else process.exitCode = await everything();

function plantFor(mutant: Mutant, folder: string | undefined): void {
  const tree = makeTree(folder);
  tree.plant(mutant);
  console.log(`${tree.folder}: ${mutant.file} has another line: ${mutant.becomes}`);
}

/** Hunts some; what is known of them from searches stays. */
async function hunt(mutants: readonly Mutant[]): Promise<number> {
  const catches = await catchAll(mutants, WORKERS, tell);
  const known = knownFindings();
  const findings = MUTANTS.flatMap(({ name }) => {
    const before = known.find(({ mutant }) => mutant === name);
    const now = catches.find(({ mutant }) => mutant === name);
    if (now !== undefined) return { ...now, search: before?.search ?? null };
    return before ?? [];
  });
  writeFindings(findings);
  return catches.every(({ caught }) => caught) ? 0 : 1;
}

function knownFindings(): Finding[] {
  return existsSync(FINDINGS) ? (JSON.parse(readFileSync(FINDINGS, 'utf8')) as Finding[]) : [];
}

function writeFindings(findings: readonly Finding[]): void {
  writeFileSync(FINDINGS, `${JSON.stringify(findings, null, 1)}\n`);
  writeFileSync(join(ROOT, 'docs', 'museum.md'), museumPage(MUTANTS, findings));
}

async function everything(): Promise<number> {
  const catches = await catchAll(MUTANTS, WORKERS, tell);
  const findings: Finding[] = [];
  const tree = makeTree();
  try {
    for (const [index, mutant] of MUTANTS.entries()) {
      const found = isOfAMachine(mutant) ? await bySearch(mutant) : null;
      findings.push({ ...(catches[index] as Catch), search: found });
    }
  } finally {
    tree.remove();
  }
  writeFindings(findings);
  const away = findings.filter(({ caught }) => !caught);
  console.log(`\n${findings.length - away.length} of ${findings.length} caught; docs/museum.md is written`);
  return away.length === 0 ? 0 : 1;

  async function bySearch(mutant: Mutant): Promise<Finding['search']> {
    for (const space of SPACES) {
      const { caught, what, cpuMs } = await catchMutant(tree, mutant, { by: 'search', space });
      if (caught) console.log(`  ${mutant.name}: search of ${space}: ${what}`);
      if (caught) return { space, what, cpuMs };
    }
    return null;
  }
}

/** Can the search meet it: is it in a core that the small world runs? */
function isOfAMachine({ file }: Mutant): boolean {
  return /^(manager\/core|agent\/core|services\/kit\/core|ssmmp\/core)\//.test(file);
}

function tell({ mutant, caught, what, cpuMs }: Catch): void {
  console.log(`${caught ? 'caught' : 'AWAY  '} ${mutant.padEnd(32)} ${(cpuMs / 1000).toFixed(1)} s  ${what}`);
}
