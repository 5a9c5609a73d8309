/**
 * A clone with one small lab in it: two items, of which the second does what a test says.
 *
 * Lives here: its files. What is the same as in the clone under test are links to it.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLab } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import type { Places } from '../../labs/runner/shell/places.ts';

/** Of the clone under test. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const YAML = `title: Small
goal: to be small
minutes: 1
checks:
  - {name: number, says: n is 7, points: 10, page: README.md, hints: [a, b, c]}
  - {name: other, says: it does its own, points: 5, page: README.md, seconds: 1, hints: [a, b, c]}
wrong:
  eight: {fails: number, because: x}
`;
/** Its check.ts; the code of the second item in place of OTHER. */
export const CHECK = `import { defineChecks, expectEqual } from '../runner/api.ts';
export const checks = defineChecks({
  number: (work) => expectEqual('n', Number(work.text('n.txt')), 7),
  other: async (work) => { OTHER },
});
`;

/** Writes a file, and makes the folders on the way. */
export function putIn(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Makes the clone in an empty folder; its lab's second item has this code. */
export function makeSmallLab(folder: string, other = 'work.text("n.txt");'): { lab: Lab; places: Places } {
  for (const name of ['node_modules', 'dist', 'ssmmp', 'load', 'services', 'package.json'])
    symlinkSync(join(ROOT, name), join(folder, name));
  mkdirSync(join(folder, 'labs'));
  symlinkSync(join(ROOT, 'labs', 'runner'), join(folder, 'labs', 'runner'));
  const lab = 'labs/00-small';
  putIn(folder, `${lab}/lab.yaml`, YAML);
  putIn(folder, `${lab}/check.ts`, CHECK.replace('OTHER', other));
  putIn(folder, `${lab}/README.md`, '# Lab 0: Small\n');
  putIn(folder, `${lab}/starter/n.txt`, '1');
  putIn(folder, `${lab}/solution/n.txt`, '7');
  putIn(folder, `${lab}/wrong/eight/n.txt`, '8');
  const places = placesOf(folder);
  return { places, lab: readLab(places, '00-small') };
}
