/**
 * The museum of bugs, hunted: every mutant is noticed by its catcher. And that the museum does not rot: every line is there,
 * the page is the one that the findings make.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { catchAll, runCatcher, type Catch } from '../../museum/catch.ts';
import { mutantNamed, MUTANTS } from '../../museum/list.ts';
import { museumPage, type Finding } from '../../museum/page.ts';
import { findSeed, trySeed } from '../../museum/seeds.ts';
import { makeTree, mutated, ROOT } from '../../museum/tree.ts';

const WORKERS = 2;
/** Their seeds are tried here: many find them, so that a core may change. All others: `npm run museum`. */
const BY_SEED = ['requests-keyed-by-message-id', 'grant-while-draining', 'suspect-still-granted'];
/** Seeds behind the known one that are tried where it finds nothing any more. */
const NEXT_SEEDS = 40;

describe('the museum of bugs', function () {
  this.timeout(300_000);

  it('has at least 24 mutants, each with a name of its own and one line that is really there', () => {
    expect(MUTANTS.length).to.be.at.least(24);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).to.equal(MUTANTS.length);
    for (const mutant of MUTANTS) {
      const before = readFileSync(join(ROOT, mutant.file), 'utf8').split('\n');
      const after = mutated(mutant).split('\n');
      expect(after.length, mutant.name).to.equal(before.length);
      expect(
        after.filter((line, at) => line !== before[at]),
        mutant.name,
      ).to.have.length(1);
    }
  });

  it('a line that is gone is told', () => {
    const [first] = MUTANTS;
    expect(() => mutated({ ...first!, line: 'no such line' })).to.throw(/stands 0 times in .*find what it broke/);
  });

  it('docs/museum.md is what the findings make, of these mutants; if not: npm run museum', () => {
    const findings = JSON.parse(readFileSync(join(ROOT, 'museum', 'findings.json'), 'utf8')) as Finding[];
    expect(findings.map(({ mutant }) => mutant)).to.deep.equal(MUTANTS.map(({ name }) => name));
    expect(findings.every(({ caught }) => caught)).to.equal(true);
    expect(readFileSync(join(ROOT, 'docs', 'museum.md'), 'utf8')).to.equal(museumPage(MUTANTS, findings));
  });

  it('nothing of it is in dist/', () => {
    const dist = join(ROOT, 'dist');
    const bundles = existsSync(dist) ? readdirSync(dist).filter((name) => name.endsWith('.js')) : [];
    for (const bundle of bundles) expect(readFileSync(join(dist, bundle), 'utf8')).to.not.include('tombstone-dropped');
  });

  it('catchers find nothing where nothing is planted', async () => {
    const tree = makeTree();
    try {
      const grep = MUTANTS.find(({ name }) => name === 'misses-add-up')!.catcher;
      expect((await runCatcher(grep, tree.folder)).code).to.equal(0);
    } finally {
      tree.remove();
    }
  });

  it('some are found by a seed of the simulator, which holds every law without them', async () => {
    const findings = JSON.parse(readFileSync(join(ROOT, 'museum', 'findings.json'), 'utf8')) as Finding[];
    const tree = makeTree();
    try {
      for (const name of BY_SEED) {
        const known = findings.find(({ mutant }) => mutant === name)?.seed?.seed ?? 0;
        const mutant = mutantNamed(name);
        const found = (await trySeed(tree, mutant, known)) ?? (await findSeed(tree, mutant, known + 1, NEXT_SEEDS));
        expect(found?.what, `${name}, seed ${known} and the next ${NEXT_SEEDS}`).to.match(/: .*, \d+ events$/);
      }
    } finally {
      tree.remove();
    }
  });

  describe('every mutant is caught', () => {
    let catches: Catch[] = [];
    before(async () => {
      catches = await catchAll(MUTANTS, WORKERS);
    });
    for (const { name, breaks } of MUTANTS)
      it(`${name} (${breaks})`, () => {
        const found = catches.find(({ mutant }) => mutant === name);
        expect(found?.caught, found?.what).to.equal(true);
      });
  });
});
