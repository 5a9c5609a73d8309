// A handful of fixed seeds, and seeds that once found a bug: each must hold every law. `npm run sim` runs many more.
import { expect } from 'chai';
import { failedLines } from '../../../sim-cli/report.ts';
import { ROWS, UNREACHED } from '../../../sim/coverage.ts';
import { FAULTS } from '../../../sim/faults/table.ts';
import { run } from '../../../sim/run.ts';

const STEPS = 2_000;

/** What each found when it failed. */
const ONCE_FAILED: Readonly<Record<number, string>> = {
  4: 'an instance that its restarted agent did not know lived for ever',
  5: 'what came on a replaced connection counted as an offence',
  8: 'an agent that slept was lost for ever',
  33: 'a session whose source lost power was kept for ever',
  37: 'an instance that drained waited for ever for a grant that had come to nothing',
  224: 'a start that was asked for again passed the report of its death',
  769: 'the report of a close was lost in an agent that died',
  1010: 'an instance that was stopped twice took its successor along',
  2663: 'an instance that took another’s place was stopped, and with it the last one wanted',
  10373: 'a gateway that was replaced while more were wanted than there are nodes was replaced for ever',
  10711: 'an operator who drained a node that was taken back waited for ever',
  49: 'an agent that died before it noted a process started the instance twice',
  700075: 'a session whose ends did not answer a close was forgotten, and lived on',
  179528301203540: 'the same, when the node of both ends was lost and came back',
  179528301208787:
    'an agent without its state file died before it had said so; its next life took its empty notes for knowledge',
  807308: 'an agent took the answer of the Manager’s system for the Manager’s, and forgot what it had reported',
  179528729516648: 'both ends of a session took what their agent had read for what the Manager has; the agent died',
  812927: 'a report was read, forgotten by the agent, and lost with the power of the Manager’s node',
  179528301201444: 'a store of a node that was to be emptied was granted in the step in which it left',
  179528634106484: 'the same, when what it was granted for had waited',
  179528301203650: 'of the simulator: a request that came twice by two ways was answered once',
  179528301205735: 'of the simulator: what was late on a slow network was minutes late when it was fast again',
  25288624376815:
    'an unused instance that took another’s place on a node to be emptied: no replica was wanted any more',
};

describe('sim: fixed seeds', () => {
  for (const [seed, found] of Object.entries(ONCE_FAILED))
    it(`seed ${seed} once found: ${found}`, () => {
      expect(run({ seed: Number(seed), steps: STEPS }).broken).to.equal(null);
    });

  it('seeds 1000 to 1019 hold every law, and between them come all kinds of faults', () => {
    const faults = new Set<string>();
    for (let seed = 1000; seed < 1020; seed += 1) {
      const { broken, faults: happened } = run({ seed, steps: STEPS });
      expect(broken, `seed ${seed}`).to.equal(null);
      for (const name of happened.keys()) faults.add(name);
    }
    expect(FAULTS.map(({ name }) => name).filter((name) => !faults.has(name))).to.deep.equal([]);
  }).timeout(60_000);

  it('the same seed has the same hash; fewer faults or another seed have another', () => {
    const { hash } = run({ seed: 2, steps: 800 });
    expect(run({ seed: 2, steps: 800 }).hash).to.equal(hash);
    expect(run({ seed: 3, steps: 800 }).hash).not.to.equal(hash);
    expect(run({ seed: 2, steps: 800, only: [] }).hash).not.to.equal(hash);
  });

  it('rows that are left out are rows', () => {
    expect(Object.keys(UNREACHED).filter((row) => !ROWS.includes(row))).to.deep.equal([]);
  });

  it('a failing seed is said again at the very end, in one line with what repeats it', () => {
    const finished = { seed: 7, events: 1, hash: '', faults: [], rows: [], acknowledged: 0 };
    const failed = [{ ...finished, law: 'no core throws', what: 'Error: x\n  at step.ts' }];
    expect(failedLines({ failed }, 2_000)).to.deep.equal([
      'failed: seed 7: no core throws: Error: x · npm run sim -- --seed 7 --steps 2000',
    ]);
  });
});
