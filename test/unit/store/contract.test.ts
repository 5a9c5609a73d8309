/** What every driver of the Store interface promises, and what the drivers with a disk promise beyond it. */
import { expect } from 'chai';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDisk } from '../../../services/store/disk.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { openMemoryStore } from '../../../services/store/memory-store.ts';
import type { Row, Store } from '../../../services/store/store.ts';
import { FakeDisk } from './fake-disk.ts';

interface Named extends Row {
  readonly value: unknown;
}

const folders: string[] = [];
let epoch = 0;

const drivers: Record<string, () => Promise<Store>> = {
  memory: () => Promise.resolve(openMemoryStore()),
  'lowdb on a fake disk': () => openLowdbStore({ disk: new FakeDisk(), epoch: (epoch += 1) }),
  'lowdb on a real disk': () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-store-'));
    folders.push(folder);
    return openLowdbStore({ disk: openDisk(join(folder, 'users-db')), epoch: (epoch += 1) });
  },
};

const put = (table: string, key: string, value: unknown) => ({ table, put: { key, value } as Row });
const valuesOf = (store: Store, table: string) => [...store.table<Named>(table).values()].map((row) => row.value);

after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

for (const [name, open] of Object.entries(drivers)) {
  describe(`Store contract: ${name}`, () => {
    let store: Store;
    beforeEach(async () => (store = await open()));
    afterEach(() => store.close());

    it('shows a commit at once and resolves it', async () => {
      const done = store.commit([put('a', '1', 'x'), put('b', '1', 'y')]);
      expect(valuesOf(store, 'a')).to.deep.equal(['x']);
      expect(valuesOf(store, 'b')).to.deep.equal(['y']);
      await done;
      expect(store.settled()).to.equal(null);
    });

    it('keeps rows in the order in which their keys came first', async () => {
      await store.commit([put('a', '9', 1), put('a', '1', 2), put('a', 'x', 3)]);
      await store.commit([put('a', '9', 4), { table: 'a', remove: '1' }, put('a', '1', 5)]);
      expect(valuesOf(store, 'a')).to.deep.equal([4, 3, 5]);
    });

    it('takes names that JavaScript objects stumble over', async () => {
      await store.commit([put('__proto__', 'constructor', 1), put('a', '__proto__', 2), put('a', 'toString', 3)]);
      expect(store.table('a').has('hasOwnProperty')).to.equal(false);
      expect(valuesOf(store, 'a')).to.deep.equal([2, 3]);
      expect(valuesOf(store, '__proto__')).to.deep.equal([1]);
    });

    it('keeps any text, and not the very objects it was given', async () => {
      const text = 'a ~ b, c: %41\n\r\0\u001b[31m \u{1f600} \u2028 \ud800 "';
      const value = { text };
      await store.commit([put('a', '1', value)]);
      value.text = 'changed';
      expect(valuesOf(store, 'a')).to.deep.equal([{ text }]);
    });

    it('takes many commits at once and resolves them in order', async () => {
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.commit([put('a', String(i), i)]).then(() => order.push(i))),
      );
      expect(order).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
    });

    it('refuses commits after close', async () => {
      await store.close();
      const error = await store.commit([put('a', '1', 1)]).catch((e: unknown) => e);
      expect(error).to.have.property('kind', 'closed');
    });
  });
}

describe('lowdb store on a real disk', () => {
  it('has its rows again after a new start, from log and data file, readable for its owner only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-store-'));
    folders.push(folder);
    const first = await openLowdbStore({ disk: openDisk(folder), epoch: 5 });
    await first.commit([put('a', '1', 'ä'), put('__proto__', '2', 2)]);
    // not closed: as after a kill
    const second = await openLowdbStore({ disk: openDisk(folder), epoch: 7 });
    expect(valuesOf(second, 'a')).to.deep.equal(['ä']);
    await second.commit([put('a', '3', 3)]);
    await second.close();
    const disk = openDisk(folder);
    expect(disk.list().sort()).to.deep.equal(['data-7-2.json', 'owner-7']);
    expect(statSync(join(folder, 'data-7-2.json')).mode & 0o077).to.equal(0);
    const data = JSON.parse((await disk.read('data-7-2.json')).toString()) as { tables: { a: Named[] } };
    expect(data.tables.a.map((row) => row.value)).to.deep.equal(['ä', 3]);
    const third = await openLowdbStore({ disk, epoch: 9 });
    expect(valuesOf(third, 'a')).to.deep.equal(['ä', 3]);
    expect(valuesOf(third, '__proto__')).to.deep.equal([2]);
    await third.close();
  });
});
