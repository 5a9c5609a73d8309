/** A store on a disk that is really full, and on one that is full on demand. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DISK_FULL_FILE } from '../../../ssmmp/shell/disk-fault.ts';
import { openDisk } from '../../../services/store/disk.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { StoreError, type Store } from '../../../services/store/store.ts';

describe('a store on a full disk', function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ssmmp-full-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (store: Store, key: string, bytes = 100): Promise<unknown> =>
    store.commit([{ table: 't', put: { key, text: 'x'.repeat(bytes) } as { key: string } }]).then(
      () => null,
      (error: unknown) => error,
    );

  async function fillAndEmpty(data: string, fill: () => void, empty: () => void): Promise<void> {
    const store = await openLowdbStore({ disk: openDisk(data), epoch: 1, logBytesBeforeFold: 4096 });
    expect(await put(store, 'before')).to.equal(null);
    fill();
    // as long as the last page has room a small line still fits
    const refused = await put(store, 'during', 20_000);
    expect(refused).to.be.instanceOf(StoreError);
    expect(refused).to.include({ kind: 'full' });
    expect((refused as StoreError).message).to.equal(`The disk under ${data} is full.`);
    expect([...store.table('t').keys()]).to.deep.equal(['before']);
    empty();
    expect(await put(store, 'after', 20_000)).to.equal(null);
    // folded too, once there is room
    for (let at = 0; at < 5; at += 1) expect(await put(store, 'after', 5_000)).to.equal(null);
    await store.close();
    const again = await openLowdbStore({ disk: openDisk(data), epoch: 2 });
    expect([...again.table('t').keys()]).to.deep.equal(['before', 'after']);
    await again.close();
  }

  it('refuses, keeps what it had, and goes on when there is room: full on demand', () =>
    fillAndEmpty(
      folder,
      () => writeFileSync(join(folder, DISK_FULL_FILE), ''),
      () => rmSync(join(folder, DISK_FULL_FILE)),
    ));

  it('… and really full: a small disk of its own', async function () {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder]).status !== 0) {
      console.log('      skipped: a disk of its own needs Linux and root (mount -t tmpfs)');
      return this.skip();
    }
    try {
      await fillAndEmpty(
        join(folder, 'data'),
        () => spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'fill')}`, 'bs=4096']),
        () => rmSync(join(folder, 'fill')),
      );
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});
