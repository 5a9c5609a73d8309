/**
 * Journals of real clusters, recorded by older builds (test/journals, `npm run record-journals`): those of the machine's
 * version replay to the recorded effects and state; those of older versions are refused in a sentence that names both.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { managerMachine } from '../../../manager/core/step.ts';
import { checkJournal, replayJournal, travelTo } from '../../../ssmmp/shell/journal-tool.ts';
import { nodesView } from '../../../manager/core/views.ts';

const HOME = join(import.meta.dirname, '..', '..', 'journals');
const NOW = `manager-${managerMachine.version}`;

const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

describe('recorded journals', function () {
  this.timeout(30_000);

  it(`there are some of the machine’s version (${managerMachine.version}); if not: npm run record-journals`, () => {
    expect(foldersIn(HOME)).to.include(NOW);
  });

  for (const version of foldersIn(HOME))
    for (const name of foldersIn(join(HOME, version))) {
      const folder = join(HOME, version, name);
      if (version === NOW) {
        it(`${version}/${name} gives the same effects and the same state`, () => {
          const replayed = replayJournal(managerMachine, { folder });
          if (!replayed.ok)
            throw new Error(`${replayed.problem}\nIs that meant? Then raise the machine's version: docs/journal.md.`);
          const { records, stateHash } = replayed;
          const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
          expect({ records, stateHash }).to.deep.equal(expected);
        });
        it(`${version}/${name} is sound, and every moment of it can be looked at`, () => {
          const checked = checkJournal(managerMachine, { folder });
          if (!checked.ok) throw new Error(checked.problem);
          expect(checked).to.deep.include({ torn: null, warnings: [], history: null });
          const middle = Math.floor(checked.summary.lastRecord / 2);
          const travelled = travelTo(managerMachine, { folder }, middle);
          if (!travelled.ok) throw new Error(travelled.problem);
          expect(travelled.record?.n).to.equal(middle);
          expect(nodesView(travelled.state)).to.have.length(3);
          const beyond = travelTo(managerMachine, { folder }, checked.summary.lastRecord + 1);
          expect(beyond).to.have.property('problem', `the journal ends at record ${checked.summary.lastRecord}`);
        });
      } else
        it(`${version}/${name} is refused with both versions`, () => {
          const refused = replayJournal(managerMachine, { folder });
          expect(refused).to.have.property('problem').that.contains(`version ${managerMachine.version}`);
          expect(refused)
            .to.have.property('problem')
            .that.contains(`version ${version.split('-')[1]}`);
        });
    }
});
