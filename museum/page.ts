/**
 * docs/museum.md, made of the mutants and of what was found.
 *
 * Lives here: the page. Does not live here: finding anything.
 */
import type { Catch } from './catch.ts';
import type { Mutant } from './mutant.ts';
import { isOfAMachine, SEEDS_MAX, type SeedFinding } from './seeds.ts';

export interface Finding extends Catch {
  /** What an exhaustive search found of it; null when none of those that were tried did. */
  readonly search: { readonly space: string; readonly what: string; readonly cpuMs: number } | null;
  /** The first seed of the simulator that finds it; null: none does; left out: nobody has looked, or the simulator never runs that line. */
  readonly seed?: SeedFinding | null;
}

/** The whole page. */
export function museumPage(mutants: readonly Mutant[], findings: readonly Finding[]): string {
  const rows = mutants.map((mutant) =>
    row(
      mutant,
      findings.find((finding) => finding.mutant === mutant.name),
    ),
  );
  const caught = findings.filter((finding) => finding.caught).length;
  const searched = findings.filter((finding) => finding.search !== null).length;
  const seeded = findings.filter(({ seed }) => seed !== null && seed !== undefined).length;
  const inCores = mutants.filter(isOfAMachine).length;
  return `# A museum of bugs

Tests are worth what they catch. Here are ${mutants.length} bugs: some that other implementations of SSMMP really have, some that we had, some that
anybody could make. Each is a *mutant*: one line of our code, changed. It is planted in a copy of the sources, and somebody must
notice. ${caught} of ${mutants.length} are caught; ${searched} of them also by an exhaustive search, ${seeded} by a seed of the simulator. Tests
and laws of the search are there because a mutant got away at first (\`old-connection-ends-the-new\`, \`misses-add-up\`,
\`drain-without-grants\`).

    npm run museum                                  plant and hunt all; writes this page
    npm run museum -- --list
    npm run museum -- tombstone-dropped             one of them
    npm run museum -- --plant tombstone-dropped /tmp/broken      its sources, to look at and to run
    npm run museum -- --find-seeds                  after a change of a core: seeds that find nothing any more are looked for again
    npm run museum -- --find-seeds tombstone-dropped             one of them, from seed 1 on

\`npm test\` hunts all of them with the catcher of the table (in the group \`museum\`). A mutant whose line is no longer there fails it
too, so the museum cannot rot. Nothing of it is in dist/. Lab 11 is made of some of them ([labs/11-find-the-bug](../labs/11-find-the-bug/README.md)).

Times are processor seconds, the start of Node included.

## Seeds

The column \`seed\` is a seed from 1 to ${SEEDS_MAX} that breaks a law with the mutant and holds every law without it, how many
events it took, and how fast that was. See it happen: plant the mutant, then \`npm run sim -- --seed N\` there. ${inCores} of the
${mutants.length} lines are in cores that the simulator runs; ${seeded} of these are found. A \`–\` is a line of a shell, a store or a protocol of users: the
simulator has its own in their place. \`none\` means that no seed up to ${SEEDS_MAX} found it when it was looked for
(\`--find-seeds NAME\` looks again). There are three reasons: what the mutant breaks is no law of the simulator (a user is refused once and
asks again); what would show it comes too seldom; or another part of the cores makes up for it. Tests and searches find these.

A seed belongs to a version: whoever changes a core changes what a seed does. So \`npm test\` tries a few of the seeds, and the next ones
where they find nothing any more; \`npm run museum\` tries all and looks for new ones where needed.

## All of them

| mutant | breaks | who catches it | s | search | seed |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

## The lines

${mutants
  .map((mutant) => line(mutant, findings.find((finding) => finding.mutant === mutant.name)?.seed ?? null))
  .join('\n\n')}

## A new one

Add it to museum/mutants: the file, the line as it is, the line as it becomes, what it breaks, and the cheapest test that
notices. Run \`npm run museum -- NAME\`. If nobody notices, that is the find: write the test first. Then \`npm run museum\`.
`;
}

function row(mutant: Mutant, finding: Finding | undefined): string {
  const { catcher } = mutant;
  const who =
    finding === undefined || !finding.caught
      ? '**nobody**'
      : catcher.by === 'search'
        ? `search of \`${catcher.space}\`: ${finding.what}`
        : catcher.by === 'seed'
          ? `seed ${catcher.seed}: ${finding.what}`
          : `${catcher.file}: ${finding.what}`;
  const seconds = finding === undefined ? '' : (finding.cpuMs / 1000).toFixed(1);
  const search = finding?.search ?? null;
  const found =
    search === null
      ? '–'
      : `\`${search.space}\`, ${/\d+ moves deep$/.exec(search.what)?.[0] ?? ''}, ${(search.cpuMs / 1000).toFixed(1)} s`;
  const seed = isOfAMachine(mutant) ? seedCell(finding?.seed) : '–';
  return `| \`${mutant.name}\` | ${cell(mutant.breaks)} | ${cell(who)} | ${seconds} | ${found} | ${seed} |`;
}

function seedCell(seed: SeedFinding | null | undefined): string {
  if (seed === undefined) return 'not looked for';
  if (seed === null) return 'none';
  return `${seed.seed}, ${/\d+ events$/.exec(seed.what)?.[0] ?? ''}, ${(seed.cpuMs / 1000).toFixed(1)} s`;
}

function line({ name, file, line: before, becomes, story }: Mutant, seed: SeedFinding | null): string {
  const lines = `**${name}**, ${file}: ${story}.\n\n    - ${before}\n    + ${becomes}`;
  return seed === null ? lines : `${lines}\n\nSeed ${seed.seed}: ${cell(seed.what)}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
