/**
 * Planting a mutant: the sources with one line changed, in a folder of their own.
 *
 * Lives here: the tree. Does not live here: the changed text (plant.ts), running anything in it. The project's own
 * files are never touched, and nothing of a mutant gets into dist/: a tree is a copy that borrows node_modules.
 */
import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';
import { plantedText } from './plant.ts';

/** The folder of the clone. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a tree has no copy of: what is made, borrowed, or of no use to a catcher. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'bench', '.git', '.ssmmp', 'coverage', 'runs']);
/** Journals are large and nothing that a mutant is tried with reads them. */
const RECORDED = /test[\\/]journals[\\/]manager-/;

/** The text of the mutant's file with its line changed. Throws a sentence when the line is not there, or more than once. */
export function mutated(mutant: Mutant): string {
  return plantedText(ROOT, mutant);
}

/** A copy of the sources in which one mutant at a time lives. */
export interface Tree {
  readonly folder: string;
  /** Puts this mutant in the place of the one before; null: the sources as they are. */
  plant(mutant: Mutant | null): void;
  /** Takes the tree away. */
  remove(): void;
}

/** Makes a tree. */
export function makeTree(folder: string = mkdtempSync(join(tmpdir(), 'ssmmp-mutant-'))): Tree {
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.has(name) && !name.startsWith('.dist'))
      cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: (from) => !RECORDED.test(from) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  let planted: Mutant | null = null;
  return {
    folder,
    plant(mutant) {
      const text = mutant === null ? null : mutated(mutant);
      if (planted !== null) copyFileSync(join(ROOT, planted.file), join(folder, planted.file));
      if (mutant !== null && text !== null) writeFileSync(join(folder, mutant.file), text);
      planted = mutant;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
