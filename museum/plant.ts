/**
 * The changed text of a mutant's file.
 *
 * Lives here: finding the one line, and nothing else, so that a lab can plant a mutant as well. Does not live here: trees.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';

/** What a mutant changes, and where. */
export type Change = Pick<Mutant, 'name' | 'file' | 'behind' | 'line' | 'becomes'>;

/**
 * The text of the mutant's file with its line changed; `root` is the folder of a clone. Throws a sentence when the line is not
 * there, or more than once.
 */
export function plantedText(root: string, { name, file, behind, line, becomes }: Change): string {
  const path = join(root, file);
  if (!existsSync(path)) throw new Error(`mutant ${name}: ${file} is not there any more`);
  const lines = readFileSync(path, 'utf8').split('\n');
  const places = [...lines.keys()].filter(
    (at) => lines[at]?.trim() === line && (behind === undefined || lines[at - 1]?.trim() === behind),
  );
  if (places.length !== 1)
    throw new Error(
      `mutant ${name}: '${line}' stands ${places.length} times in ${file}; its line was changed: find what it broke, and break that (museum/mutants)`,
    );
  const at = places[0] as number;
  lines[at] = `${/^\s*/.exec(lines[at] as string)?.[0] ?? ''}${becomes}`;
  return lines.join('\n');
}
