/** The mirror of a journal: it follows, it survives what happens to the first one, and the better of two is chosen (R51). */
import fs, { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { JournalFollower } from '../../../ssmmp/shell/journal-follower.ts';
import { chooseJournal, journalRank, restoreJournal } from '../../../ssmmp/shell/journal-mirror.ts';
import { ledgerAfter, openLedger, record, scratch } from './ledger.ts';

describe('the mirror of a journal', function () {
  this.timeout(20_000);
  let folder: string;
  let mirror: string;
  let remove: () => void;
  let sentences: string[];
  let follower: JournalFollower;

  beforeEach(() => {
    const made = scratch();
    remove = made.remove;
    [folder, mirror] = [join(made.folder, 'journal'), join(made.folder, 'mirror')];
    sentences = [];
    follower = new JournalFollower({ folder, mirror, tell: (sentence) => sentences.push(sentence) });
  });
  afterEach(async () => {
    await follower.stop();
    remove();
  });

  const bytesOf = (path: string): Record<string, string> =>
    Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'latin1')]));
  const marked = (epoch: number) => ({ mark: () => ({ epoch }) });

  it('is there by itself moments after the journal, byte by byte', async () => {
    follower.start();
    const opened = openLedger(folder);
    await record(opened, 1, 50);
    const end = Date.now() + 5_000;
    while (Date.now() < end && journalRank(mirror)?.lastRecord !== 50)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(bytesOf(mirror)).to.deep.equal(bytesOf(folder));
    await opened.journal.close();
  });

  it('a look says whether the journal has grown since the one before, also into another segment', async () => {
    const looked = async (): Promise<boolean> => {
      const hasGrown = follower.look();
      await follower.catchUp();
      return hasGrown;
    };
    expect(await looked()).to.equal(false);
    const opened = openLedger(folder, { segmentBytes: 500 });
    expect(await looked()).to.equal(true);
    expect(await looked()).to.equal(false);
    for (let at = 1; at <= 400; at += 10) {
      await record(opened, at, at + 9);
      expect(await looked(), `after ${at}`).to.equal(true);
      expect(await looked()).to.equal(false);
    }
    await opened.journal.close();
    expect(bytesOf(mirror)[readdirSync(mirror).sort().at(-1) as string]).to.equal(
      bytesOf(folder)[readdirSync(folder).sort().at(-1) as string],
    );
  });

  it('keeps the two newest segments, which are enough for the whole state', async () => {
    const opened = openLedger(folder, { segmentBytes: 500 });
    for (let at = 1; at <= 400; at += 10) {
      await record(opened, at, at + 9);
      await follower.catchUp();
    }
    await opened.journal.close();
    await follower.catchUp();
    expect(readdirSync(folder).length).to.be.greaterThan(3);
    expect(readdirSync(mirror)).to.have.length(2);
    restoreJournal(folder, mirror);
    const again = openLedger(folder);
    expect(again.state).to.deep.equal(ledgerAfter(400));
    await again.journal.close();
  });

  it('a torn end that a start cuts off goes from the copy too, though new records follow at once', async () => {
    const first = openLedger(folder);
    await record(first, 1, 9);
    await first.journal.close();
    const path = join(folder, readdirSync(folder)[0] as string);
    appendFileSync(path, '00000000 {"n":10,"in":{"kind":"add"');
    await follower.catchUp();
    expect(bytesOf(mirror)).to.deep.equal(bytesOf(folder));
    const second = openLedger(folder);
    await record(second, 10, 30);
    await second.journal.close();
    await follower.catchUp();
    for (const [name, text] of Object.entries(bytesOf(mirror))) expect(text).to.equal(bytesOf(folder)[name]);
    expect(journalRank(mirror)).to.deep.equal({ epoch: 0, lastRecord: 30 });
  });

  it('R51 chooses the journal that goes on where the mirror ends, the mirror when the journal is lost, cut short or empty', async () => {
    const opened = openLedger(folder);
    await record(opened, 1, 20);
    await follower.catchUp();
    await record(opened, 21, 30);
    await opened.journal.close();
    expect(chooseJournal(folder, mirror)).to.equal('journal');
    const path = join(folder, readdirSync(folder)[0] as string);
    const size = fs.statSync(path).size;
    truncateSync(path, size - 1500);
    expect(chooseJournal(folder, mirror)).to.equal('mirror');
    rmSync(path);
    expect(chooseJournal(folder, mirror)).to.equal('mirror');
    rmSync(folder, { recursive: true });
    expect(chooseJournal(folder, mirror)).to.equal('mirror');
    expect(chooseJournal(folder, join(mirror, 'none'))).to.equal('journal');
  });

  it('R51 the higher epoch wins, then the longer one', async () => {
    const make = async (path: string, epoch: number, records: number): Promise<void> => {
      const opened = openLedger(path, marked(epoch));
      await record(opened, 1, records);
      await opened.journal.close();
    };
    const cases: [journal: [number, number], mirror: [number, number], expected: string][] = [
      [[5, 100], [6, 10], 'mirror'],
      [[6, 10], [5, 100], 'journal'],
      [[5, 10], [5, 100], 'mirror'],
      [[5, 100], [5, 10], 'journal'],
      [[5, 10], [5, 10], 'journal'],
    ];
    for (const [[epoch, records], [mirrorEpoch, mirrorRecords], expected] of cases) {
      for (const path of [folder, mirror]) rmSync(path, { recursive: true, force: true });
      await make(folder, epoch, records);
      await make(mirror, mirrorEpoch, mirrorRecords);
      expect(chooseJournal(folder, mirror), `${epoch}/${records} ${mirrorEpoch}/${mirrorRecords}`).to.equal(expected);
    }
  });

  it('never follows a journal that was lost and made anew', async () => {
    const opened = openLedger(folder, marked(3));
    await record(opened, 1, 20);
    await opened.journal.close();
    await follower.catchUp();
    const before = bytesOf(mirror);
    rmSync(folder, { recursive: true });
    const anew = openLedger(folder, marked(0));
    await record(anew, 1, 5);
    await anew.journal.close();
    await follower.catchUp();
    expect(bytesOf(mirror)).to.deep.equal(before);
    const later = new JournalFollower({ folder, mirror, tell: (sentence) => sentences.push(sentence) });
    await later.catchUp();
    await later.stop();
    expect(bytesOf(mirror)).to.deep.equal(before);
    expect(sentences.join()).to.match(/is behind its mirror, which is left as it is/);
  });

  it('what stood in the journal’s place is kept when the mirror takes it', async () => {
    const opened = openLedger(folder);
    await record(opened, 1, 20);
    await opened.journal.close();
    await follower.catchUp();
    cpSync(folder, `${folder}.before`, { recursive: true });
    expect(restoreJournal(folder, mirror)).to.equal(`${folder}.lost-1`);
    expect(bytesOf(`${folder}.lost-1`)).to.deep.equal(bytesOf(`${folder}.before`));
    rmSync(folder, { recursive: true });
    expect(restoreJournal(folder, mirror)).to.equal(null);
    expect(existsSync(`${folder}.restoring`)).to.equal(false);
    expect(openLedger(folder).state).to.deep.equal(ledgerAfter(20));
  });
});
