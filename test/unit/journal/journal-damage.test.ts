/**
 * Damage to a journal: every prefix, every flipped bit of every byte, records that are gone. The law: what comes back is
 * the state after some number of records, none that was followed by a sound one is missing, or the start is refused.
 */
import fs, { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { recoverJournal, repairJournal } from '../../../ssmmp/shell/journal-recovery.ts';
import { listSegments, segmentName } from '../../../ssmmp/shell/journal-segments.ts';
import { ledgerAfter, ledgerMachine, openLedger, record, scratch, type Ledger } from './ledger.ts';

const RECORDS = 8;

describe('a damaged journal', function () {
  this.timeout(60_000);
  let folder: string;
  let remove: () => void;
  let path: string;
  let whole: Buffer;
  /** Where each line ends, the header first. */
  let ends: number[];

  beforeEach(async () => {
    ({ folder, remove } = scratch());
    const opened = openLedger(folder);
    await record(opened, 1, RECORDS);
    await opened.journal.close();
    path = join(folder, segmentName(1));
    whole = readFileSync(path);
    ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
  });
  afterEach(() => remove());

  const recover = (): ReturnType<typeof recoverJournal<Ledger, never, never>> =>
    recoverJournal(ledgerMachine as never, { folder });

  it('cut at any byte gives the state after the complete records; the rest is cut, with a copy', () => {
    for (let length = ends[0] as number; length <= whole.length; length += 1) {
      writeFileSync(path, whole.subarray(0, length));
      const records = ends.filter((end) => end <= length).length - 1;
      const recovery = recover();
      if (!recovery.ok) throw new Error(`${length}: ${recovery.problem}`);
      expect([recovery.replayed, recovery.state]).to.deep.equal([records, ledgerAfter(records)]);
      const torn = length - (ends[records] as number);
      expect(recovery.torn?.bytes ?? 0).to.equal(torn);
    }
  });

  it('cut inside its only header is refused', () => {
    for (let length = 0; length < (ends[0] as number); length += 1) {
      writeFileSync(path, whole.subarray(0, length));
      const recovery = recover();
      expect(recovery.ok, String(length)).to.equal(false);
      expect(recovery).to.have.property('problem').that.contains('no segment of the journal has a sound header');
    }
  });

  it('with one flipped bit gives every record before it, or is refused at the flipped line; it is never wrong', function () {
    const lastLine = ends[RECORDS - 1] as number;
    let [refused, cut] = [0, 0];
    for (let at = 0; at < whole.length; at += 1)
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(whole);
        flipped[at] = (whole[at] as number) ^ (1 << bit);
        writeFileSync(path, flipped);
        const recovery = recover();
        if (!recovery.ok) {
          refused += 1;
          // The line that was hit, or the one before whose LF was.
          const line = ends.findIndex((end) => at < end);
          const from = line === 0 ? 0 : (ends[line - 1] as number);
          expect(recovery.offset).to.equal(line === 0 ? 0 : from);
          continue;
        }
        cut += 1;
        expect(at, `byte ${at} bit ${bit}`).to.be.at.least(lastLine);
        expect(recovery.state).to.deep.equal(ledgerAfter(RECORDS - 1));
        expect(recovery.torn).to.deep.include({ offset: lastLine, bytes: whole.length - lastLine });
      }
    expect(refused).to.equal(lastLine * 8);
    expect(cut).to.equal((whole.length - lastLine) * 8);
  });

  it('goes on after a cut as if the torn end had never been', async () => {
    writeFileSync(path, whole.subarray(0, whole.length - 5));
    const opened = openLedger(folder);
    expect(opened.state).to.deep.equal(ledgerAfter(RECORDS - 1));
    expect(opened.warnings.join()).to.match(
      /ended in \d+ bytes that are no record; cut at \d+, copy in journal-\d+\.jsonl\.cut-\d+/,
    );
    await record(opened, RECORDS, RECORDS + 3);
    await opened.journal.close();
    expect(openLedger(folder)).to.deep.include({ warnings: [], state: ledgerAfter(RECORDS + 3) });
    const copy = readdirSync(folder).find((name) => name.includes('.cut-')) as string;
    const [from] = [ends[RECORDS - 1] as number];
    expect(readFileSync(join(folder, copy)).equals(whole.subarray(from, whole.length - 5))).to.equal(true);
  });

  it('cuts an end of zeros, as a power cut leaves one', () => {
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(5_000)]));
    const recovery = recover();
    expect(recovery.ok && recovery.state).to.deep.equal(ledgerAfter(RECORDS));
    expect(recovery.ok && recovery.torn?.bytes).to.equal(5_000);
  });

  it('with a record gone, or standing twice, is refused with its number', () => {
    const line = (n: number): Buffer => whole.subarray(ends[n - 1], ends[n]);
    const before = whole.subarray(0, ends[3]);
    writeFileSync(path, Buffer.concat([before, line(5), line(6)]));
    expect(recover()).to.have.property('problem').that.contains('record 4 is missing; record 5 stands here');
    writeFileSync(path, Buffer.concat([before, line(3), line(4)]));
    expect(recover()).to.have.property('problem').that.contains('record 4 is missing; record 3 stands here');
  });

  it('is repaired only at the offset that the refusal names, and keeps what it cuts', async () => {
    const at = (ends[3] as number) + 20;
    const flipped = Buffer.from(whole);
    flipped[at] = (whole[at] as number) ^ 1;
    writeFileSync(path, flipped);
    const refused = recover();
    const offset = refused.ok ? -1 : refused.offset;
    expect(refused).to.have.property('problem').that.contains(`--at ${offset}`).and.contains(path);
    expect(() => openLedger(folder)).to.throw(`--at ${offset}`);
    const repair = (where: number): { ok: boolean; sentence: string } =>
      repairJournal(ledgerMachine, { folder }, where);
    expect(repair(offset + 1)).to.deep.include({ ok: false });
    expect(readFileSync(path).equals(flipped)).to.equal(true);
    expect(repair(offset)).to.deep.include({ ok: true });
    expect(readFileSync(`${path}.cut-${offset}`).equals(flipped.subarray(offset))).to.equal(true);
    expect(repair(offset)).to.deep.equal({ ok: false, sentence: 'the journal is sound; nothing was changed' });
    const opened = openLedger(folder);
    expect(opened.state).to.deep.equal(ledgerAfter(3));
    await opened.journal.close();
  });

  describe('of several segments', () => {
    let segments: { path: string; firstRecord: number }[];
    const last = 60;

    beforeEach(async () => {
      remove();
      ({ folder, remove } = scratch());
      const opened = openLedger(folder, { segmentBytes: 2_000 });
      await record(opened, 1, last);
      await opened.journal.close();
      segments = listSegments(fs, folder);
      expect(segments.length).to.be.greaterThan(2);
    });

    const flip = (file: string, at: number): void => {
      const bytes = readFileSync(file);
      bytes[at] = (bytes[at] as number) ^ 4;
      writeFileSync(file, bytes);
    };
    const newest = (): { path: string; firstRecord: number } =>
      segments.at(-1) as { path: string; firstRecord: number };

    it('gets around a damaged header of the newest with the segment before, and begins a new one', async () => {
      flip(newest().path, 30);
      const opened = openLedger(folder);
      expect(opened.state).to.deep.equal(ledgerAfter(last));
      expect(opened.warnings.join()).to.match(/header of journal-\d+\.jsonl is damaged \(the checksum/);
      await record(opened, last + 1, last + 5);
      await opened.journal.close();
      const again = openLedger(folder);
      expect(again).to.deep.include({ warnings: [], state: ledgerAfter(last + 5), replayed: 5 });
    });

    it('does not read around a damaged header when a record between is gone', () => {
      flip(newest().path, 30);
      fs.rmSync((segments.at(-2) as { path: string }).path);
      const recovery = recover();
      expect(recovery.ok).to.equal(false);
      expect(recovery)
        .to.have.property('problem')
        .that.matches(/records \d+ to \d+ are missing before it/);
    });

    it('does not mind damage in segments that are only history', () => {
      flip((segments[0] as { path: string }).path, 500);
      const recovery = recover();
      expect(recovery.ok && recovery.state).to.deep.equal(ledgerAfter(last));
    });

    it('is repaired across segments: those behind the damage are given up, kept under another name', () => {
      flip(newest().path, 30);
      const before = segments.at(-2) as { path: string; firstRecord: number };
      const bytes = readFileSync(before.path);
      const second = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
      flip(before.path, second + 15);
      const refused = recover();
      expect(refused).to.deep.include({ ok: false, offset: second });
      expect(repairJournal(ledgerMachine, { folder }, second).ok).to.equal(true);
      expect(openLedger(folder).state).to.deep.equal(ledgerAfter(before.firstRecord));
      expect(readdirSync(folder).filter((name) => name.includes('.cut-'))).to.have.length(2);
    });
  });
});
