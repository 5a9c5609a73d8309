/** Load: percentiles, seconds, the mix, the texts and the page. */
import { expect } from 'chai';
import fc from 'fast-check';
import { pageOf } from '../../../load/core/page.ts';
import { errorsText, secondText, verdictText, type LoadReport } from '../../../load/core/report.ts';
import { Latencies, Stats, type Second } from '../../../load/core/stats.ts';
import { Chance, chooseKind, fileBytes, readMix, thinkTimeMs } from '../../../load/core/work.ts';
import { tableText, LiveTable } from '../../../load/shell/live-table.ts';

describe('load: measuring', () => {
  it('a percentile is within 3 % of the true one, and never above the longest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 0.99, 1),
        (values, share) => {
          const latencies = new Latencies();
          for (const value of values) latencies.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          const truth = sorted[Math.ceil(share * sorted.length) - 1] as number;
          expect(latencies.percentile(share)).to.be.within(truth * 0.999, Math.min(truth * 1.03, latencies.maxMs));
        },
      ),
    );
    expect(new Latencies().percentile(0.5)).to.equal(0);
  });

  it('counts by second, by type and by status; a second without a request is there too', () => {
    const stats = new Stats(0);
    stats.add({ type: 'a', atMs: 10, tookMs: 4, status: 200, repeats: 0 });
    stats.add({ type: 'b', atMs: 900, tookMs: 8, status: 429, repeats: 2 });
    stats.add({ type: 'a', atMs: 2100, tookMs: 6, status: 0, repeats: 0 });
    stats.pass(3000);
    expect(stats.seconds.map(({ requests }) => requests)).to.deep.equal([2, 0, 1]);
    expect(stats.seconds[0]?.errors).to.deep.equal({ 429: 1 });
    expect(stats.errors).to.deep.equal({ 429: 1, 'no answer': 1 });
    expect(stats.repeats).to.equal(2);
    const rows = stats.rows(3);
    expect(rows.map(({ name, requests, errors }) => [name, requests, errors])).to.deep.equal([
      ['a', 2, 1],
      ['b', 1, 1],
      ['all', 3, 2],
    ]);
    expect(rows[2]?.perSecond).to.equal(1);
  });
});

describe('load: work', () => {
  it('reads a mix, and says what it expects when it is none', () => {
    expect(readMix('post=1,read=4')).to.deep.equal({ post: 1, read: 4, file: 0 });
    for (const wrong of ['', 'post', 'post=-1', 'post=x', 'posts=1', 'post=1;read=2'])
      expect(readMix(wrong)).to.match(/^expected kinds and weights such as post=1,read=4,file=0, found '/);
    expect(readMix('post=0')).to.match(/nothing to do/);
  });

  it('the same seed does the same; the weights hold; think times have their mean', () => {
    const kinds = (seed: number): string[] => {
      const chance = new Chance(seed);
      return Array.from({ length: 2000 }, () => chooseKind({ post: 1, read: 3, file: 0 }, chance));
    };
    expect(kinds(7)).to.deep.equal(kinds(7));
    expect(kinds(7)).not.to.deep.equal(kinds(8));
    expect(kinds(7).filter((kind) => kind === 'post').length).to.be.within(430, 570);
    expect(kinds(7)).not.to.include('file');
    const chance = new Chance(1);
    const times = Array.from({ length: 2000 }, () => thinkTimeMs(100, chance));
    expect(times.reduce((sum, ms) => sum + ms, 0) / 2000).to.be.within(90, 110);
    expect(fileBytes(5, new Chance(1))).to.deep.equal(fileBytes(5, new Chance(1)));
  });
});

const SECOND: Second = {
  second: 0,
  requests: 120,
  p50Ms: 1.5,
  p95Ms: 20.25,
  p99Ms: 150,
  maxMs: 151,
  errors: { 429: 2 },
  repeats: 3,
};
const REPORT: LoadReport = {
  started: '2026-01-01T00:00:00.000Z',
  users: 2,
  seconds: 1,
  rate: null,
  mix: { post: 1, read: 4, file: 0 },
  think_ms: 100,
  seed: 1,
  rows: [{ name: 'all', requests: 120, perSecond: 120, p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4, errors: 2 }],
  errors: { 429: 2 },
  repeats: 3,
  operations: { 'post ok': 20 },
  violation: null,
  timeline: [SECOND],
  instances: [
    { atMs: 0, instances: { post: 1, '<b>': 1 } },
    { atMs: 900, instances: { post: 3, '<b>': 1 } },
  ],
};

describe('load: telling', () => {
  it('a second in a line, errors by status, what is scaled', () => {
    expect(secondText(SECOND, REPORT.instances[1] ?? null)).to.equal(
      '   1 s     120/s  p50   1.50  p95   20.3  p99    150  max     151 ms  errors 429: 2  sent again 3  post ×3',
    );
    expect(errorsText({})).to.equal('none');
  });

  it('the verdict tells the violation with its operations', () => {
    expect(verdictText(REPORT)).to.match(/no violation$/);
    const text = verdictText({ ...REPORT, violation: { law: 'once', sentence: 'twice', operations: [] } });
    expect(text).to.match(/VIOLATION once: twice$/);
  });

  it('the page is whole, has three plots, runs no script, and shows names as they are', () => {
    const page = pageOf(REPORT);
    expect(page.match(/<svg /g)).to.have.length(3);
    expect(page).not.to.match(/<script|src=|href=|NaN|undefined/);
    expect(page).to.include('&#60;b&#62;').and.not.to.include('<b>');
    expect(pageOf({ ...REPORT, timeline: [], instances: [], seconds: 0 })).not.to.match(/NaN|Infinity/);
  });

  it('plain lines without a terminal; on one the table is drawn over itself', () => {
    const written: string[] = [];
    const screen = { write: (text: string) => written.push(text), isTTY: false };
    new LiveTable(screen, {}).show(SECOND, null, () => REPORT.rows);
    expect(written.join('')).to.match(/^ +1 s .*\n$/);
    written.length = 0;
    const table = new LiveTable({ ...screen, isTTY: true }, {});
    for (let n = 0; n < 2; n += 1) table.show(SECOND, null, () => REPORT.rows);
    expect(written[1]).to.match(/^\u001b\[\d+A\u001b\[J/);
    expect(tableText(REPORT.rows)).to.include('p99 ms');
  });
});
