/** The journal as history: lazily, across segments, while it is being written. */
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { HistoryPart } from '../../../ssmmp/shell/journal-history.ts';
import { readHistory } from '../../../ssmmp/shell/journal-history.ts';
import { listSegments } from '../../../ssmmp/shell/journal-segments.ts';
import { openLedger, record, scratch, type LedgerJournal } from './ledger.ts';

const small = { segmentBytes: 2_000, mark: ({ count }: { count: number }) => ({ count }) };

describe('the history of a journal', function () {
  this.timeout(20_000);
  let folder: string;
  let remove: () => void;
  beforeEach(() => ({ folder, remove } = scratch()));
  afterEach(() => remove());

  async function numbers(parts: AsyncIterable<HistoryPart>): Promise<number[]> {
    const found: number[] = [];
    for await (const { records } of parts)
      for (const json of records) found.push((JSON.parse(json) as { n: number }).n);
    return found;
  }
  const upTo = (last: number, first = 1): number[] =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);

  it('has all records of all segments in order', async () => {
    const opened = openLedger(folder, small);
    await record(opened, 1, 100);
    expect(await numbers(opened.journal.history())).to.deep.equal(upTo(100));
    await opened.journal.close();
    expect(await numbers(readHistory({ folder }))).to.deep.equal(upTo(100));
  });

  it('begins at the newest segment that holds all that is wanted', async () => {
    const opened = openLedger(folder, small);
    await record(opened, 1, 100);
    const heads = listSegments(fs, folder).map(({ firstRecord }) => firstRecord);
    const third = heads[2] as number;
    const parts = opened.journal.history({ holdsAll: ({ mark }) => (mark as { count: number }).count < third });
    expect(await numbers(parts)).to.deep.equal(upTo(100, third));
    expect(await numbers(opened.journal.history({ holdsAll: () => false }))).to.deep.equal(upTo(100));
    await opened.journal.close();
  });

  it('has what is written while it is read, and misses none at a rotation', async () => {
    const opened = openLedger(folder, small);
    await record(opened, 1, 50);
    const parts = opened.journal.history();
    let written = 50;
    const found: number[] = [];
    for await (const { records } of parts) {
      for (const json of records) found.push((JSON.parse(json) as { n: number }).n);
      if (written < 200) await record(opened, written + 1, (written += 10));
    }
    expect(found).to.deep.equal(upTo(written));
    expect(written).to.be.greaterThan(100);
    await opened.journal.close();
  });

  it('skips and counts lines that are not sound', async () => {
    const opened = openLedger(folder);
    await record(opened, 1, 10);
    await opened.journal.close();
    const { path } = listSegments(fs, folder)[0] as { path: string };
    const bytes = readFileSync(path);
    const third = [...bytes.entries()].filter(([, byte]) => byte === 10)[2]?.[0] as number;
    bytes[third + 30] = 0;
    writeFileSync(path, bytes);
    let damaged = 0;
    const found: number[] = [];
    for await (const part of readHistory({ folder })) {
      damaged += part.damaged;
      for (const json of part.records) found.push((JSON.parse(json) as { n: number }).n);
    }
    expect([damaged, found]).to.deep.equal([1, upTo(10).filter((n) => n !== 3)]);
  });

  it('goes on when a segment is dropped under its hands', async () => {
    const opened = openLedger(folder, small);
    await record(opened, 1, 100);
    const found: number[] = [];
    let first = true;
    for await (const { records } of opened.journal.history()) {
      if (first) fs.rmSync((listSegments(fs, folder)[1] as { path: string }).path);
      first = false;
      for (const json of records) found.push((JSON.parse(json) as { n: number }).n);
    }
    expect(found.at(-1)).to.equal(100);
    expect(found.length).to.be.within(50, 99);
    await opened.journal.close();
  });

  it('reads a state larger than a chunk', async () => {
    const opened = openLedger(folder, { initial: () => ({ sum: 0, count: 0, ballast: 'x'.repeat(3_000_000) }) });
    await record(opened as unknown as { journal: LedgerJournal; state: never }, 1, 5);
    expect(await numbers(opened.journal.history())).to.deep.equal(upTo(5));
    await opened.journal.close();
    expect(openLedger(folder).state.ballast).to.have.length(3_000_000);
  });
});
