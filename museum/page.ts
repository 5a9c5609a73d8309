/**
 * docs/museum.md, made of the mutants and of what was found.
 *
 * Lives here: the page. Does not live here: finding anything.
 */
import type { Catch } from './catch.ts';
import type { Mutant } from './mutant.ts';

export interface Finding extends Catch {
  /** What an exhaustive search found of it; null when none of those that were tried did. */
  readonly search: { readonly space: string; readonly what: string; readonly cpuMs: number } | null;
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
  return `# A museum of bugs

Tests are worth what they catch. Here are ${mutants.length} bugs: some that other implementations of SSMMP really have, some that we had, some that
anybody could make. Each is a *mutant*: one line of our code, changed. It is planted in a copy of the sources, and somebody must
notice. ${caught} of ${mutants.length} are caught; ${searched} of them also by an exhaustive search. Tests and laws of the search
are there because a mutant got away at first (\`old-connection-ends-the-new\`, \`misses-add-up\`, \`drain-without-grants\`).

    npm run museum                                  plant and hunt all; writes this page
    npm run museum -- --list
    npm run museum -- tombstone-dropped             one of them
    npm run museum -- --plant tombstone-dropped /tmp/broken      its sources, to look at and to run

\`npm test\` hunts all of them with the catcher of the table (in the group \`museum\`). A mutant whose line is no longer there fails it
too, so the museum cannot rot. Nothing of it is in dist/.

Times are processor seconds, the start of Node included.

| mutant | breaks | who catches it | s | search |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

## The lines

${mutants.map(line).join('\n\n')}

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
        : `${catcher.file}: ${finding.what}`;
  const seconds = finding === undefined ? '' : (finding.cpuMs / 1000).toFixed(1);
  const search = finding?.search ?? null;
  const found =
    search === null
      ? '–'
      : `\`${search.space}\`, ${/\d+ moves deep$/.exec(search.what)?.[0] ?? ''}, ${(search.cpuMs / 1000).toFixed(1)} s`;
  return `| \`${mutant.name}\` | ${cell(mutant.breaks)} | ${cell(who)} | ${seconds} | ${found} |`;
}

function line({ name, file, line: before, becomes, story }: Mutant): string {
  return `**${name}**, ${file}: ${story}.\n\n    - ${before}\n    + ${becomes}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
