/** Every point at which a store can be cut off or refused by its disk: what was acknowledged is there, nothing is torn. */
import { expect } from 'chai';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { StoreError, type Row, type Store } from '../../../services/store/store.ts';
import { FakeDisk, type Fault } from './fake-disk.ts';

interface Numbered extends Row {
  readonly n: number;
  readonly text: string;
}

const COMMITS = 24;
/** So small that the log is folded several times within COMMITS. */
const FOLD_BYTES = 400;

const keysOf = (store: Store) => [...store.table<Numbered>('rows').keys()].map(Number);
const row = (n: number) => ({ table: 'rows', put: { key: String(n), n, text: `text ${n} ä` } as Row });
const open = (disk: FakeDisk, epoch: number) => openLowdbStore({ disk, epoch, logBytesBeforeFold: FOLD_BYTES });

/** Commits 1, 2, 3 … two at a time, each with a second row in another table; answers which were acknowledged. */
async function work(store: Store, from = 1): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let n = from; n < from + COMMITS; n += 2) {
    const both = [n, n + 1].map((i) =>
      store
        .commit([row(i), { table: 'second', put: { key: String(i) } }])
        .then(() => acknowledged.push(i))
        .catch((error: unknown) => expect(error).to.be.instanceOf(StoreError)),
    );
    await Promise.all(both);
  }
  return acknowledged;
}

function expectSound(store: Store, acknowledged: readonly number[]): void {
  const keys = keysOf(store);
  expect(keys).to.include.members([...acknowledged]);
  expect([...store.table('second').keys()].map(Number), 'a commit is whole').to.deep.equal(keys);
  for (const found of store.table<Numbered>('rows').values()) expect(found.text).to.equal(`text ${found.n} ä`);
}

async function stepsOfWork(): Promise<number> {
  const disk = new FakeDisk();
  const store = await open(disk, 1);
  await work(store);
  await store.close();
  expect(disk.steps.filter((step) => step.op === 'replace').length).to.be.greaterThan(3);
  return disk.steps.length;
}

describe('lowdb store, cut off', () => {
  it('at every step, with none, half or all of the bytes written: a prefix with all that was acknowledged', async () => {
    const steps = await stepsOfWork();
    for (let at = 0; at < steps; at += 1) {
      for (const kept of [0, 0.5, 1]) {
        const disk = new FakeDisk();
        disk.fault = (_, index): Fault => (index === at ? { code: 'CRASH', kept } : null);
        let acknowledged: number[] = [];
        try {
          const store = await open(disk, 1);
          acknowledged = await work(store);
          await store.close();
        } catch (error) {
          expect(error).to.have.property('code', 'CRASH');
        }
        const again = await open(disk.afterCrash(), 2);
        expectSound(again, acknowledged);
        const keys = keysOf(again);
        expect(keys, `step ${at}`).to.deep.equal(keys.map((_, i) => i + 1));
        const more = await work(again, 101);
        await again.close();
        expect(more.length).to.equal(COMMITS);
      }
    }
  });

  it('at every byte of its log: a prefix', async () => {
    const disk = new FakeDisk();
    const store = await openLowdbStore({ disk, epoch: 1 });
    const acknowledged = await work(store);
    const log = disk.files.get('log-1-1.jsonl')!;
    let most = 0;
    for (let length = 0; length <= log.length; length += 1) {
      const cut = disk.afterCrash();
      cut.files.set('log-1-1.jsonl', log.subarray(0, length));
      const again = await openLowdbStore({ disk: cut, epoch: 2 });
      const keys = keysOf(again);
      expect(keys).to.deep.equal(acknowledged.slice(0, keys.length));
      expect(keys.length).to.be.at.least(most);
      most = keys.length;
    }
    expect(most).to.equal(COMMITS);
  });

  it('with one flipped bit in any byte of its files: a prefix, or refused with file and place', async () => {
    const disk = new FakeDisk();
    const first = await openLowdbStore({ disk, epoch: 1 });
    await first.commit([row(1)]);
    await first.close();
    const store = await openLowdbStore({ disk, epoch: 2 });
    for (let n = 2; n <= 5; n += 1) await store.commit([row(n)]);
    let refused = 0;
    for (const [name, bytes] of disk.files) {
      for (let at = 0; at < bytes.length; at += 1) {
        const bad = Buffer.from(bytes);
        bad[at] = bad[at]! ^ (1 << (at % 8));
        const broken = disk.afterCrash();
        broken.files.set(name, bad);
        try {
          const keys = keysOf(await openLowdbStore({ disk: broken, epoch: 3 }));
          expect(keys, `${name} at ${at}`).to.deep.equal([1, 2, 3, 4, 5].slice(0, keys.length));
          expect(keys.length, 'only the last line can be taken for torn').to.be.at.least(4);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          expect(error.kind).to.equal('corrupt');
          expect(error.message).to.include(name);
          refused += 1;
        }
      }
    }
    expect(refused).to.be.greaterThan(300);
  });
});

describe('lowdb store on a disk that refuses', () => {
  it('full at any step, with part of the bytes written: 503 for that, the rest stays, and it goes on after it', async () => {
    const steps = await stepsOfWork();
    for (let at = 1; at < steps; at += 1) {
      for (const kept of [0, 0.5, 1]) {
        const disk = new FakeDisk();
        // Once full, the disk refuses to be cut, too: the harder case.
        disk.fault = (step, index): Fault =>
          index === at || (step.op === 'cut' && kept > 0) ? { code: 'ENOSPC', kept } : null;
        const store = await open(disk, 1);
        const acknowledged = await work(store);
        expect(keysOf(store), 'what failed is taken back').to.deep.equal(acknowledged);
        expect(acknowledged.length, 'and the rest goes on').to.be.at.least(COMMITS - 2);
        expectSound(await open(disk.afterCrash(), 2), acknowledged);
        const again = await open(disk.afterCrash(), 3);
        expect(keysOf(again), 'what was refused does not come back').to.deep.equal(acknowledged);
        await store.close();
        expectSound(await open(disk.afterCrash(), 4), acknowledged);
      }
    }
  });

  it('takes back what was decided on a commit that failed, and tells those who only saw it', async () => {
    const disk = new FakeDisk();
    const store = await openLowdbStore({ disk, epoch: 1 });
    await store.commit([row(1)]);
    let refuse = true;
    disk.fault = (step) => (refuse && step.op === 'append' ? { code: 'ENOSPC' } : null);
    const failed: unknown[] = [];
    const first = store
      .commit([row(2), { table: 'rows', remove: '1' }, row(1), { table: 'rows', remove: '2' }, row(2)])
      .catch((e: unknown) => failed.push(e));
    await Promise.resolve();
    const second = store.commit([row(3)]).catch((e: unknown) => failed.push(e));
    const saw = store.settled()!.catch((e: unknown) => failed.push(e));
    await Promise.all([first, second, saw]);
    expect(failed.map((e) => (e as StoreError).kind)).to.deep.equal(['full', 'full', 'full']);
    expect(keysOf(store)).to.deep.equal([1]);
    refuse = false;
    await store.commit([row(4)]);
    expect(keysOf(store)).to.deep.equal([1, 4]);
    expect(keysOf(await openLowdbStore({ disk: disk.afterCrash(), epoch: 2 }))).to.deep.equal([1, 4]);
  });
});

describe('lowdb store, group commit', () => {
  it('flushes once for what comes in one turn, and once for all that comes during a flush', async () => {
    const disk = new FakeDisk();
    const store = await openLowdbStore({ disk, epoch: 1 });
    const first = Array.from({ length: 50 }, (_, n) => store.commit([row(n)]));
    await Promise.resolve();
    await Promise.resolve();
    const second = Array.from({ length: 50 }, (_, n) => store.commit([row(50 + n)]));
    await Promise.all([...first, ...second]);
    expect(disk.steps.filter((step) => step.op === 'append').length).to.equal(2);
  });
});
