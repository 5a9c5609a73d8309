/**
 * Every chapter does what it says (type-chapter.ts). Chapters are found by folder. Those of slow labs, and of labs that measure, are
 * typed by `npm run labs-proof`.
 */
import { fileURLToPath } from 'node:url';
import { readLabs } from '../../labs/runner/shell/lab-folder.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import { Pool } from './pool.ts';
import { typeChapter } from './type-chapter.ts';

const places = placesOf(fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, ''));
const CHAPTER_MS = 5 * 60_000;
/** What mocha was asked for: the rest need not begin. */
const grepAt = process.argv.findIndex((word) => word === '--grep' || word === '-g');
const grep = new RegExp(grepAt === -1 ? '' : (process.argv[grepAt + 1] ?? ''));
const pool = new Pool();

describe('chapters of the labs', function () {
  this.timeout(CHAPTER_MS);

  for (const lab of readLabs(places)) {
    if (lab.slow || lab.measures) continue;
    let done: Promise<void> | null = null;
    const name = `${lab.name} does what it says`;
    before(() => {
      if (grep.test(`chapters of the labs ${name}`)) done = pool.add(() => typeChapter(lab, places));
    });
    it(name, async () => await done);
  }
});
