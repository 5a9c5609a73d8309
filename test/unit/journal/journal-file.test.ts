/**
 * The journal file: written, read back, rotated, refused. Damage has a file of its own (journal-damage.test.ts).
 */
import fs, { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { JournalHeader, JournalRecord } from '../../../ssmmp/machine/journal.ts';
import { asciiJson } from '../../../ssmmp/shell/journal-line.ts';
import { recoverJournal } from '../../../ssmmp/shell/journal-recovery.ts';
import { listSegments, readHead, segmentName } from '../../../ssmmp/shell/journal-segments.ts';
import { entry, ledgerAfter, ledgerMachine, openLedger, record, scratch, type Entry, type Said } from './ledger.ts';

describe('the journal file', function () {
  this.timeout(20_000);
  let folder: string;
  let remove: () => void;
  beforeEach(() => ({ folder, remove } = scratch()));
  afterEach(() => remove());

  const names = (): string[] => readdirSync(folder).sort();

  it('begins with a header and gives the initial state', async () => {
    const { journal, state, isNew, lastAt } = openLedger(folder);
    expect({ state, isNew, lastAt }).to.deep.equal({ state: ledgerAfter(0), isNew: true, lastAt: 0 });
    await journal.close();
    expect(names()).to.deep.equal([segmentName(1)]);
    const text = readFileSync(join(folder, segmentName(1)), 'latin1');
    expect(text).to.match(/^[0-9a-f]{8} \{"format":"ssmmp-journal",/);
    expect((JSON.parse(text.slice(9)) as JournalHeader).firstRecord).to.equal(1);
  });

  it('gives back state, record number and time after a close, and goes on in the same segment', async () => {
    const first = openLedger(folder);
    await record(first, 1, 10);
    await first.journal.close();
    const second = openLedger(folder);
    expect(second).to.deep.include({ isNew: false, replayed: 10, lastAt: 1010, warnings: [] });
    expect(second.state).to.deep.equal(ledgerAfter(10));
    expect(second.journal.next).to.equal(11);
    await record(second, 11, 12);
    await second.journal.close();
    expect(openLedger(folder).state).to.deep.equal(ledgerAfter(12));
    expect(names()).to.have.length(1);
  });

  it('writes every record as input and effects, in ASCII', async () => {
    const opened = openLedger(folder);
    await record(opened, 1, 3);
    await opened.journal.close();
    const bytes = readFileSync(join(folder, segmentName(1)));
    expect(bytes.every((byte) => byte < 0x7f)).to.equal(true);
    const lines = bytes.toString('latin1').trimEnd().split('\n');
    const third = JSON.parse((lines[3] as string).slice(9)) as JournalRecord<Entry, Said>;
    expect(third).to.deep.equal({ n: 3, in: entry(3), out: [{ kind: 'said', sum: ledgerAfter(3).sum }] });
  });

  it('hands everything appended to the disk in one write and one fdatasync', async () => {
    const calls: string[] = [];
    const disk = {
      ...fs,
      writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
        calls.push('write');
        return fs.writeSync(...args);
      }) as typeof fs.writeSync,
      fdatasync: ((fd: number, callback: (error: Error | null) => void) => {
        calls.push('sync');
        fs.fdatasync(fd, callback);
      }) as typeof fs.fdatasync,
    };
    const opened = openLedger(folder, { disk });
    calls.length = 0;
    await record(opened, 1, 50, 50);
    expect(calls).to.deep.equal(['write', 'sync']);
    opened.journal.append(entry(51), []);
    expect(opened.journal.commit(false)).to.equal(undefined);
    expect(calls).to.deep.equal(['write', 'sync', 'write']);
    await opened.journal.close();
  });

  it('goes on after a short write', async () => {
    const disk = {
      ...fs,
      writeSync: ((fd: number, bytes: Buffer, at: number, length: number) =>
        fs.writeSync(fd, bytes, at, Math.min(length, 7))) as typeof fs.writeSync,
    };
    const opened = openLedger(folder, { disk });
    await record(opened, 1, 9);
    await opened.journal.close();
    expect(openLedger(folder).state).to.deep.equal(ledgerAfter(9));
  });

  it('verifies effects when asked, and names the record that differs', async () => {
    const opened = openLedger(folder);
    await record(opened, 1, 5);
    opened.journal.append(entry(6), [{ kind: 'said', sum: -1 }]);
    await opened.journal.close();
    expect(recoverJournal(ledgerMachine, { folder }).ok).to.equal(true);
    const verified = recoverJournal(ledgerMachine, { folder, verify: true });
    expect(verified.ok).to.equal(false);
    expect(verified)
      .to.have.property('problem')
      .that.matches(/effects of record 6 differ/);
  });

  it('is refused by another machine or version', async () => {
    await openLedger(folder).journal.close();
    const other = { ...ledgerMachine, version: 2 };
    const refused = recoverJournal(other, { folder });
    expect(refused).to.deep.include({ ok: false });
    expect(refused)
      .to.have.property('problem')
      .that.matches(/ledger version 1; this program is ledger version 2/);
  });

  describe('rotation', () => {
    const small = { segmentBytes: 2_000, historyBytes: 1_000_000 };

    it('begins a segment with the state of that moment; every segment is a place to start from', async () => {
      const opened = openLedger(folder, small);
      await record(opened, 1, 100);
      await opened.journal.close();
      const segments = listSegments(fs, folder);
      expect(segments.length).to.be.greaterThan(3);
      const recovered = recoverJournal(ledgerMachine, { folder });
      expect(recovered.ok && recovered.state).to.deep.equal(ledgerAfter(100));
      expect(recovered.ok && recovered.replayed).to.be.lessThan(40);
      const all = recoverJournal(ledgerMachine, { folder, fromOldest: true, verify: true });
      expect(all.ok && [all.replayed, all.state]).to.deep.equal([100, ledgerAfter(100)]);
    });

    it('waits for the records to outweigh a large state', async () => {
      const opened = openLedger(folder, {
        ...small,
        initial: () => ({ ...ledgerAfter(0), ballast: 'x'.repeat(5_000) }),
      });
      await record(opened, 1, 100);
      await opened.journal.close();
      expect(names()).to.have.length(1);
    });

    it('keeps old segments up to the named sum, and always the one before', async () => {
      const opened = openLedger(folder, { segmentBytes: 2_000, historyBytes: 5_000 });
      await record(opened, 1, 300);
      await opened.journal.close();
      const sizes = listSegments(fs, folder).map(({ path }) => fs.statSync(path).size);
      expect(sizes.length).to.be.within(2, 3);
      remove();
      ({ folder, remove } = scratch());
      const none = openLedger(folder, { segmentBytes: 2_000, historyBytes: 0 });
      await record(none, 1, 300);
      await none.journal.close();
      expect(names()).to.have.length(2);
      expect(openLedger(folder).state).to.deep.equal(ledgerAfter(300));
    });

    it('takes inputs of the next segment while it is being flushed', async () => {
      const opened = openLedger(folder, small);
      const add = (index: number): void => {
        const input = entry(index);
        opened.journal.append(input, ledgerMachine.step(opened.state, input).effects);
      };
      for (let index = 1; index <= 60; index += 1) {
        add(2 * index - 1);
        const commit = opened.journal.commit(true);
        add(2 * index);
        await commit;
      }
      await opened.journal.close();
      const all = recoverJournal(ledgerMachine, { folder, fromOldest: true, verify: true });
      expect(all.ok && all.state).to.deep.equal(ledgerAfter(120));
      expect(listSegments(fs, folder).length).to.be.greaterThan(3);
    });

    it('survives a crash before the rename: the draft is ignored and removed', async () => {
      const opened = openLedger(folder);
      await record(opened, 1, 10);
      await opened.journal.close();
      const draft = join(folder, `${segmentName(11)}.tmp`);
      writeFileSync(draft, readFileSync(join(folder, segmentName(1))).subarray(0, 40));
      const again = openLedger(folder);
      expect(again.state).to.deep.equal(ledgerAfter(10));
      expect(existsSync(draft)).to.equal(false);
    });

    it('survives a crash after the rename, before the first record', async () => {
      const opened = openLedger(folder, { segmentBytes: 700 });
      let index = 0;
      while (listSegments(fs, folder).length < 2) await record(opened, (index += 1), index, 1);
      await opened.journal.close();
      const again = openLedger(folder);
      expect([again.replayed, again.state]).to.deep.equal([0, ledgerAfter(index)]);
      expect(again.lastAt).to.equal(1_000 + index);
    });

    it('survives a crash that lost the rename: the segment before is complete', async () => {
      const opened = openLedger(folder, { segmentBytes: 700 });
      let index = 0;
      while (listSegments(fs, folder).length < 2) await record(opened, (index += 1), index, 1);
      await opened.journal.close();
      fs.rmSync(join(folder, segmentName(index + 1)));
      expect(openLedger(folder).state).to.deep.equal(ledgerAfter(index));
    });

    it('writes a mark that is read without the state', async () => {
      const opened = openLedger(folder, { ...small, mark: ({ count }) => ({ count }) });
      await record(opened, 1, 100);
      await opened.journal.close();
      const heads = listSegments(fs, folder).map((segment) => readHead(fs, segment));
      for (const { firstRecord, at, mark } of heads) {
        expect(mark).to.deep.equal({ count: firstRecord - 1 });
        expect(at).to.equal(firstRecord === 1 ? 0 : 1_000 + firstRecord - 1);
      }
    });
  });

  describe('a disk that fails', () => {
    it('refuses to write for ever after, when the disk is full', async function () {
      if (process.platform !== 'linux') return this.skip();
      const opened = openLedger(folder);
      await record(opened, 1, 4);
      const { journal } = opened;
      // The same journal on a full disk: the segment is a link to the device that has no room.
      await journal.close();
      const { segment } = { segment: join(folder, segmentName(1)) };
      fs.renameSync(segment, `${segment}.kept`);
      fs.symlinkSync('/dev/full', segment);
      let full: fs.PathOrFileDescriptor | null = null;
      const disk = {
        ...fs,
        openSync: ((path: string, flags: string) =>
          fs.openSync(path === segment && flags === 'r' ? `${segment}.kept` : path, flags)) as typeof fs.openSync,
        fdatasync: ((fd: number, callback: (error: Error | null) => void) => {
          full = fd;
          fs.fdatasync(fd, callback);
        }) as typeof fs.fdatasync,
      };
      const again = openLedger(folder, { disk });
      again.journal.append(entry(5), []);
      expect(() => again.journal.commit(true)).to.throw(/ENOSPC/);
      again.journal.append(entry(6), []);
      expect(() => again.journal.commit(false)).to.throw(/ENOSPC/);
      expect(full).to.equal(null);
    });

    it('reports a flush that failed and never flushes again', async () => {
      let flushes = 0;
      const disk = {
        ...fs,
        fdatasync: ((_fd: number, callback: (error: Error | null) => void) => {
          flushes += 1;
          callback(new Error('EIO: i/o error'));
        }) as typeof fs.fdatasync,
      };
      const { journal } = openLedger(folder, { disk });
      journal.append(entry(1), []);
      let problem = '';
      await journal.commit(true)?.catch((error: Error) => (problem = error.message));
      expect(problem).to.match(/EIO/);
      expect(() => journal.commit(true)).to.throw(/EIO/);
      expect(flushes).to.equal(1);
    });

    it('counts a segment that cannot be begun as a failure', async () => {
      let fails = false;
      const disk = {
        ...fs,
        renameSync: ((from: string, to: string) => {
          if (fails) throw new Error('ENOSPC: no space left');
          fs.renameSync(from, to);
        }) as typeof fs.renameSync,
      };
      const opened = openLedger(folder, { disk, segmentBytes: 700 });
      fails = true;
      let problem = '';
      await record(opened, 1, 20, 1).catch((error: Error) => (problem = error.message));
      expect(problem).to.match(/ENOSPC/);
      const recovered = recoverJournal(ledgerMachine, { folder });
      expect(recovered.ok && recovered.state).to.deep.equal(ledgerAfter(opened.state.count));
    });
  });

  it('recovers 100,000 records in well under half a second of its own work', async function () {
    this.timeout(30_000);
    const opened = openLedger(folder, { flush: false });
    const text = 'x'.repeat(350);
    for (let index = 1; index <= 100_000; index += 1) {
      const input = { ...entry(index), text };
      opened.journal.append(input, [...ledgerMachine.step(opened.state, input).effects, { kind: 'said', text }]);
      if (index % 100 === 0) await opened.journal.commit(false);
    }
    // Half a segment more, so that the newest one has something to replay.
    for (let index = 100_001; index <= 110_000; index += 1) {
      const input = { ...entry(index), text };
      opened.journal.append(input, ledgerMachine.step(opened.state, input).effects);
    }
    await opened.journal.close();
    const bytes = listSegments(fs, folder).reduce((sum, { path }) => sum + fs.statSync(path).size, 0);
    expect(bytes).to.be.greaterThan(80_000_000);
    const from = performance.now();
    const recovered = recoverJournal(ledgerMachine, { folder });
    const newestMs = performance.now() - from;
    expect(recovered.ok && recovered.state?.count).to.equal(110_000);
    expect(newestMs).to.be.lessThan(500);
    const all = recoverJournal(ledgerMachine, { folder, fromOldest: true });
    expect(all.ok && all.replayed).to.equal(110_000);
  });

  it('turns anything beyond ASCII into escapes that JSON reads back', () => {
    const value = { text: '→ é \u{1f600} \u2028 "~"\n' };
    expect(asciiJson(value)).to.match(/^[\x20-\x7e]*$/);
    expect(JSON.parse(asciiJson(value))).to.deep.equal(value);
  });
});
