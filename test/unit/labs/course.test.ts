/** labs/README.md as the course: every lab is in its table, with the title, minutes and needs that its lab.yaml says. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readLabs } from '../../../labs/runner/shell/lab-folder.ts';
import { placesOf } from '../../../labs/runner/shell/places.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

it('the course has a row for every lab, as its lab.yaml says', () => {
  const shown = readFileSync(`${ROOT}/labs/README.md`, 'utf8')
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.replaceAll(/\s+/g, ' '));
  const expected = readLabs(placesOf(ROOT)).map(
    ({ number, title, folder, minutes, needs }) =>
      `| ${number} | [${title}](${basename(folder)}/README.md) | ${minutes} | ${needs.join(', ') || '–'} |`,
  );
  expect(shown).to.deep.equal(expected);
});
