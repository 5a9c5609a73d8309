/**
 * The grader is proven: every starter fails, every solution passes, every wrong answer fails its item and no other.
 *
 * Labs are found by folder, so a new one is proven without a word here. Of a slow lab the starter, one solution and one wrong
 * answer run, of one that measures the starter alone: what it measures would say something about the other tests. `npm run
 * labs-proof` runs everything, and solutions ten times.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readLabs } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import { labFiles, placesOf } from '../../labs/runner/shell/places.ts';
import { Proof } from '../../labs/runner/shell/proof.ts';
import { Pool } from './pool.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const places = placesOf(ROOT.replace(/[\\/]$/, ''));
const PROOF_MS = 8 * 60_000;
/** What mocha was asked for: the rest need not begin. */
const grepAt = process.argv.findIndex((word) => word === '--grep' || word === '-g');
const grep = new RegExp(grepAt === -1 ? '' : (process.argv[grepAt + 1] ?? ''));
const pool = new Pool();
const folder = mkdtempSync(join(tmpdir(), 'ssmmp-labs-'));

for (const lab of readLabs(places)) {
  const proof = new Proof(lab, places, join(folder, lab.name));
  const wrong = [...lab.wrong.keys()].slice(0, lab.measures ? 0 : lab.slow ? 1 : undefined);

  describe(`lab ${lab.name}`, function () {
    this.timeout(PROOF_MS);
    after(() => proof.clean());

    // Begun together, in a pool, once mocha has sorted out what --grep leaves.
    const begun = new Map<string, Promise<string | null>>();
    const jobs = new Map<string, () => Promise<string | null>>();
    before(function () {
      const wanted = (this.test?.parent?.tests ?? []).filter((test) => grep.test(test.fullTitle()));
      for (const [name, action] of jobs)
        if (wanted.some(({ title }) => title === name)) begun.set(name, pool.add(action));
    });
    const proven = (name: string, action: () => Promise<string | null>): void => {
      jobs.set(name, action);
      it(name, async () => {
        const wrong = await begun.get(name);
        if (wrong !== null) throw new Error(wrong);
      });
    };

    it('has all its files, and they agree', () => expect(untidy(lab)).to.deep.equal([]));
    proven('the starter fails', () => proof.starter());
    if (!lab.measures) proven('the solution passes', () => proof.solution(1));
    for (const name of wrong)
      proven(`wrong: ${name} fails ${lab.wrong.get(name)?.fails ?? ''} alone`, () => proof.wrong(name));
  });
}

/** What is missing, left over or leads nowhere in a lab's folder. */
function untidy(lab: Lab): string[] {
  const found: string[] = [];
  const { chapter, instructor, check, starter, solution } = labFiles;
  for (const path of [chapter, instructor, check, starter, solution].map((of) => of(lab.folder)))
    if (!existsSync(path)) found.push(`${path} is not there`);
  const wrong = join(lab.folder, 'wrong');
  const folders = existsSync(wrong) ? readdirSync(wrong) : [];
  for (const name of folders.filter((each) => !lab.wrong.has(each))) found.push(`wrong/${name} is not in lab.yaml`);
  for (const name of lab.wrong.keys())
    if (!folders.includes(name)) found.push(`lab.yaml names wrong/${name}, which is not there`);
  for (const { name, page } of lab.checks) if (!isPage(page)) found.push(`the page of ${name} leads nowhere: ${page}`);
  const text = readFileSync(chapter(lab.folder), 'utf8');
  if (!text.startsWith(`# Lab ${lab.number}: ${lab.title}\n`))
    found.push(`README.md does not begin with '# Lab ${lab.number}: ${lab.title}'`);
  for (const [, picture = ''] of text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g))
    if (!existsSync(join(lab.folder, picture))) found.push(`README.md shows ${picture}, which is not there`);
  const needs = lab.needs.filter((need) => need >= lab.number);
  if (needs.length > 0) found.push(`needs ${needs.join(', ')}, which come later`);
  return found;
}

/** Is this a file of the clone, with a heading of that name? */
function isPage(page: string): boolean {
  const [file = '', anchor] = page.split('#');
  const path = join(places.root, file);
  if (!existsSync(path)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
  return headings.includes(anchor);
}

/** A heading's anchor as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}
