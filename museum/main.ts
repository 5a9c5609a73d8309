/**
 * `npm run museum`: every mutant, planted and hunted.
 *
 * Lives here: the command line. Does not live here: the mutants, the hunt. Exit code 1: one got away.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '../scripts/command-line.ts';
import { catchAll, catchMutant, type Catch } from './catch.ts';
import { MUTANTS, mutantNamed } from './list.ts';
import type { Mutant } from './mutant.ts';
import { museumPage, type Finding } from './page.ts';
import { findSeed, isOfAMachine, SEEDS_MAX, trySeed, type SeedFinding } from './seeds.ts';
import { makeTree, ROOT, type Tree } from './tree.ts';

const WORKERS = 2;
/** Searches for a mutant of a machine, smallest first. */
const SPACES = ['moves', 'crash', 'fault-in-time'];

const FINDINGS = join(ROOT, 'museum', 'findings.json');

const command = commandLine('museum', 'bugs that are one line each, and who catches them (docs/museum.md)', [
  ['', 'all: its own catcher, the searches and the seed where they can find it; writes docs/museum.md'],
  ['--list', 'their names'],
  ['tombstone-dropped', 'one: hunted again, its row of docs/museum.md written anew'],
  ['--plant tombstone-dropped FOLDER', 'its sources, to look at, to build, to run'],
  ['--find-seeds', 'after a change of a core: each seed that finds nothing any more is looked for again'],
  ['--find-seeds tombstone-dropped', 'its seed, looked for from 1 on'],
])
  .argument('[words...]', 'mutants; with --plant a folder')
  .option('--list', 'print their names and what they break', false)
  .option('--plant <mutant>', 'leave the sources with this mutant in a folder')
  .option('--find-seeds', 'look for seeds of the simulator that break a law with the mutant', false)
  .parse();
const values = command.opts<{ list: boolean; plant?: string; findSeeds: boolean }>();
if (values.list) for (const { name, breaks } of MUTANTS) console.log(`${name.padEnd(32)} ${breaks}`);
else if (values.plant !== undefined) plantFor(named(values.plant), command.args[0]);
else if (values.findSeeds) await seeds(command.args.map(named));
else if (command.args.length > 0) process.exitCode = await hunt(command.args.map(named));
else process.exitCode = await everything();

/** The mutant of this name; a name that nobody knows ends the run with a sentence. */
function named(name: string): Mutant {
  try {
    return mutantNamed(name);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

function plantFor(mutant: Mutant, folder: string | undefined): void {
  const tree = makeTree(folder);
  tree.plant(mutant);
  console.log(`${tree.folder}: ${mutant.file} has another line: ${mutant.becomes}`);
}

/** Hunts some; what is known of them from searches and seeds stays. */
async function hunt(mutants: readonly Mutant[]): Promise<number> {
  const catches = await catchAll(mutants, WORKERS, tell);
  const known = knownFindings();
  const findings = MUTANTS.flatMap(({ name }) => {
    const before = known.find(({ mutant }) => mutant === name);
    const now = catches.find(({ mutant }) => mutant === name);
    if (now !== undefined) return finding(now, before?.search ?? null, before?.seed);
    return before ?? [];
  });
  writeFindings(findings);
  return catches.every(({ caught }) => caught) ? 0 : 1;
}

function finding(one: Catch, search: Finding['search'], seed: Finding['seed']): Finding {
  return { ...one, search, ...(seed === undefined ? {} : { seed }) };
}

function knownFindings(): Finding[] {
  return existsSync(FINDINGS) ? (JSON.parse(readFileSync(FINDINGS, 'utf8')) as Finding[]) : [];
}

function writeFindings(findings: readonly Finding[]): void {
  writeFileSync(FINDINGS, `${JSON.stringify(findings, null, 1)}\n`);
  writeFileSync(join(ROOT, 'docs', 'museum.md'), museumPage(MUTANTS, findings));
}

/**
 * Seeds of these, looked for from 1 on. Of none in particular: of all; a seed that still finds its mutant stays, and what no seed
 * found is not looked for again, which takes half a minute each.
 */
async function seeds(mutants: readonly Mutant[]): Promise<void> {
  let findings = knownFindings();
  const left = (mutants.length === 0 ? MUTANTS : mutants).filter(isOfAMachine);
  const work = async (): Promise<void> => {
    const tree = makeTree();
    try {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const { name } = mutant;
        const before = mutants.length === 0 ? findings.find((each) => each.mutant === name)?.seed : null;
        if (before === null && mutants.length === 0) continue;
        const seed = await seedOf(tree, mutant, before ?? null);
        console.log(`${name.padEnd(32)} ${seed === null ? `none of ${SEEDS_MAX}` : `seed ${seed.seed}: ${seed.what}`}`);
        findings = findings.map((each) => (each.mutant === name ? { ...each, seed } : each));
        writeFindings(findings); // each as it is found: all of them take long
      }
    } finally {
      tree.remove();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

/** The seed that was known where it still finds the mutant, else the first that does. */
async function seedOf(tree: Tree, mutant: Mutant, before: SeedFinding | null): Promise<SeedFinding | null> {
  return (before === null ? null : await trySeed(tree, mutant, before.seed)) ?? (await findSeed(tree, mutant));
}

async function everything(): Promise<number> {
  const catches = await catchAll(MUTANTS, WORKERS, tell);
  const known = knownFindings();
  const findings: Finding[] = [];
  const tree = makeTree();
  try {
    for (const [index, mutant] of MUTANTS.entries()) {
      const before = known.find((each) => each.mutant === mutant.name)?.seed;
      const search = isOfAMachine(mutant) ? await bySearch(mutant) : null;
      const seed = before === null || before === undefined ? before : await seedOf(tree, mutant, before);
      if (seed !== null && seed !== undefined) console.log(`  ${mutant.name}: seed ${seed.seed}: ${seed.what}`);
      findings.push(finding(catches[index] as Catch, search, seed));
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

function tell({ mutant, caught, what, cpuMs }: Catch): void {
  console.log(`${caught ? 'caught' : 'AWAY  '} ${mutant.padEnd(32)} ${(cpuMs / 1000).toFixed(1)} s  ${what}`);
}
