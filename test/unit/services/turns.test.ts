/** Whose turn it is at the user socket: so many requests a turn of the event loop, and nobody twice before the others. */
import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFilesMax } from '../../../services/api-gateway/shell/open-files.ts';
import { BEGUN_IN_A_ROW_MAX, BEGUN_PER_TURN_MAX, Turns } from '../../../services/api-gateway/shell/turns.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  it('a turn begins a bounded number of requests, the next one as many again', async () => {
    const turns = new Turns();
    let begun = 0;
    for (; turns.isOpen; begun += 1) turns.count();
    expect(begun).to.equal(BEGUN_PER_TURN_MAX);
    await nextTurn();
    expect(turns.isOpen).to.equal(true);
  });

  it('who waits is visited once each before anybody is visited again, in order', async () => {
    const turns = new Turns();
    const visits: number[] = [];
    const users = Array.from({ length: 30 }, (_, number) => ({
      visit() {
        visits.push(number);
        for (let row = 0; row < BEGUN_IN_A_ROW_MAX && turns.isOpen; row += 1) turns.count();
        if (visits.length < 90) turns.wait(this);
      },
    }));
    for (const user of users) turns.wait(user);
    const perTurn: number[] = [];
    while (visits.length < 90) {
      const before = visits.length;
      await nextTurn();
      perTurn.push(visits.length - before);
    }
    const round = Array.from({ length: 30 }, (_, number) => number);
    expect(visits.slice(0, 90)).to.deep.equal([...round, ...round, ...round]);
    expect(Math.max(...perTurn)).to.equal(BEGUN_PER_TURN_MAX / BEGUN_IN_A_ROW_MAX);
  });
});

describe('openFilesMax', () => {
  it('is the soft limit of the system, and unknown where the system does not tell', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-limits-'));
    const path = join(folder, 'limits');
    writeFileSync(
      path,
      'Max processes  1  2  processes\nMax open files            1024                 524288     files\n',
    );
    expect(openFilesMax(path)).to.equal(1024);
    writeFileSync(path, 'Max open files            unlimited            unlimited            files\n');
    expect(openFilesMax(path)).to.equal(Infinity);
    rmSync(folder, { recursive: true });
    expect(openFilesMax(path)).to.equal(Infinity);
  });
});
