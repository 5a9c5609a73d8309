/** R50: one owner per data folder; an old owner that wakes up can acknowledge nothing. */
import { expect } from 'chai';
import { Operations } from '../../../services/store/operations.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { OWNER_CHECK_MS, StoreError, type Row, type Store } from '../../../services/store/store.ts';
import { FakeDisk } from './fake-disk.ts';

const row = (key: string) => ({ table: 'rows', put: { key } as Row });
const keysOf = (store: Store) => [...store.table('rows').keys()];
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: unknown) => (error as StoreError).kind,
  );

describe('R50 the owner of a data folder', () => {
  it('R50 an old owner that wakes up acknowledges nothing, and nothing of it is believed', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5 });
    await old.commit([row('a')]);
    const next = await openLowdbStore({ disk, epoch: 8 });
    expect(await kindOf(old.commit([row('late')]))).to.equal('fenced');
    expect(await kindOf(old.commit([row('later')]))).to.equal('fenced');
    await next.commit([row('b')]);
    expect(keysOf(await openLowdbStore({ disk, epoch: 9 }))).to.deep.equal(['a', 'b']);
  });

  it('R50 says so once, before any answer, so that its process can end without one', async () => {
    const disk = new FakeDisk();
    const said: string[] = [];
    const old = await openLowdbStore({ disk, epoch: 5, fenced: () => said.push('fenced') });
    await openLowdbStore({ disk, epoch: 8 });
    const answers = [old.commit([row('late')]), old.commit([row('later')])].map((commit) =>
      kindOf(commit).then((kind) => said.push(`answer ${kind}`)),
    );
    await Promise.all(answers);
    expect(said).to.deep.equal(['fenced', 'answer fenced', 'answer fenced']);
    expect(() => old.checkOwner(1e9)).to.throw(StoreError);
    expect(said.filter((word) => word === 'fenced')).to.have.length(1);
  });

  it('R50 an old owner that ends in order writes nothing, not even a file that nobody would read', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5 });
    await old.commit([row('a')]);
    await openLowdbStore({ disk, epoch: 8 });
    await old.close();
    expect(disk.list().filter((name) => name.startsWith('data-5-'))).to.deep.equal([]);
  });

  it('R50 the claim is looked at after the flush and before the answer', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5 });
    disk.appended = () => disk.files.set('owner-6', Buffer.alloc(0)); // another owner, while ours is being flushed
    expect(await kindOf(old.commit([row('late')]))).to.equal('fenced');
    expect(keysOf(old)).to.deep.equal([]);
  });

  it('R50 the folder is claimed before older files are read', async () => {
    const disk = new FakeDisk();
    await (await openLowdbStore({ disk, epoch: 5 })).commit([row('a')]);
    const read = disk.read.bind(disk);
    let claimed = false;
    disk.read = (name) => {
      claimed = disk.files.has('owner-6');
      return read(name);
    };
    await openLowdbStore({ disk, epoch: 6 });
    expect(claimed).to.equal(true);
  });

  it('R50 an owner writes only files named by its epoch', async () => {
    const disk = new FakeDisk();
    const first = await openLowdbStore({ disk, epoch: 5 });
    await first.commit([row('a')]);
    const from = disk.steps.length;
    const second = await openLowdbStore({ disk, epoch: 6 });
    await second.commit([row('b')]);
    await second.close();
    const written = disk.steps.slice(from).filter((step) => step.op !== 'remove');
    expect(written.length).to.be.greaterThan(2);
    for (const step of written) expect(step.name).to.match(/^(owner-6$|log-6-|data-6-)/);
  });

  it('R50 an old owner that folds late removes nothing', async () => {
    const disk = new FakeDisk();
    const slow = await openLowdbStore({ disk, epoch: 6, logBytesBeforeFold: 1 });
    const replace = disk.replace.bind(disk);
    let next: Store | null = null;
    disk.replace = async (name, pieces) => {
      disk.replace = replace;
      next = await openLowdbStore({ disk, epoch: 7, logBytesBeforeFold: 1e9 });
      await next.commit([row('b')]);
      disk.steps.length = 0;
      await replace(name, pieces);
    };
    await slow.commit([row('a')]);
    await slow.close();
    expect(next).to.not.equal(null);
    expect(disk.steps.map((step) => step.op)).to.deep.equal(['replace']);
    expect(keysOf(await openLowdbStore({ disk: disk.afterCrash(), epoch: 8 }))).to.deep.equal(['a', 'b']);
  });

  it('R50 a new owner reads on when an old one folds under its eyes', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5, logBytesBeforeFold: 1e9 });
    await old.commit([row('a')]);
    const read = disk.read.bind(disk);
    disk.read = async (name) => {
      disk.read = read;
      for (const [file, bytes] of folded.files) if (file.startsWith('data-')) disk.files.set(file, bytes);
      disk.files.delete('log-5-1.jsonl'); // the check of its claim came before ours
      return read(name);
    };
    const folded = disk.afterCrash();
    const folding = await openLowdbStore({ disk: folded, epoch: 6 });
    await folding.close();
    expect(keysOf(await openLowdbStore({ disk, epoch: 7 }))).to.deep.equal(['a']);
  });

  it('R50 late words of an old owner do not follow the data file of a new one', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5 });
    await old.commit([row('a')]);
    const next = await openLowdbStore({ disk, epoch: 6 });
    disk.fault = (step) => (step.op === 'remove' ? { code: 'CRASH' } : null); // between the data file and the clean-up
    await next.close();
    const after = disk.afterCrash();
    const stale = new FakeDisk(after.files);
    stale.files.delete('owner-6');
    stale.files.delete('data-6-1.json');
    const late = await openLowdbStore({ disk: stale, epoch: 6 });
    await late.commit([row('late')]); // line 2, as the old owner could still write it
    const lines = Buffer.concat([after.files.get('log-5-1.jsonl')!, stale.files.get('log-6-2.jsonl')!]);
    after.files.set('log-5-1.jsonl', lines);
    expect(keysOf(await openLowdbStore({ disk: after, epoch: 7 }))).to.deep.equal(['a']);
  });

  it('R50 a data file that an old owner finished late is not believed', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5, logBytesBeforeFold: 1e9 });
    await old.commit([row('a')]);
    const files = disk.afterCrash(); // the old owner goes on here, seeing no claim
    const stale = await openLowdbStore({ disk: files, epoch: 6 });
    await stale.commit([row('never acknowledged in the real folder')]);
    await stale.close();
    const next = await openLowdbStore({ disk, epoch: 7 });
    await next.commit([row('b')]);
    for (const [name, bytes] of files.files) if (name.startsWith('data-6')) disk.files.set(name, bytes);
    expect(keysOf(await openLowdbStore({ disk, epoch: 8 }))).to.deep.equal(['a', 'b']);
  }).timeout(5000);

  it('R50 refuses a folder that a later instance has, and two processes under one id', async () => {
    const disk = new FakeDisk();
    await openLowdbStore({ disk, epoch: 5 });
    expect(await kindOf(openLowdbStore({ disk, epoch: 5 }))).to.equal('fenced');
    expect(await kindOf(openLowdbStore({ disk, epoch: 4 }))).to.equal('fenced');
    expect(disk.list()).to.deep.equal(['owner-5']);
  });

  it('R50 an owner that was replaced while it was cut off writes nothing at all', async () => {
    const disk = new FakeDisk();
    let nowMs = 1000;
    const old = await openLowdbStore({ disk, epoch: 5 });
    const operations = new Operations(old, 'posts-db', () => nowMs);
    const post = (operationId: string): Promise<string> =>
      operations.once({ user: 'ann', operationId, content: operationId }, () => ({
        changes: [row(operationId)],
        answer: 'stored',
      }));
    expect(await post('in-its-time')).to.equal('stored');
    await openLowdbStore({ disk, epoch: 6 });
    const steps = disk.steps.length;
    nowMs += OWNER_CHECK_MS + 1;
    expect(await post('after-a-heal')).to.include('is being replaced');
    expect(disk.steps.slice(steps)).to.deep.equal([]);
  });

  it('R50 an answer that needs no write finds out within OWNER_CHECK_MS', async () => {
    const disk = new FakeDisk();
    const old = await openLowdbStore({ disk, epoch: 5 });
    old.checkOwner(1000);
    await openLowdbStore({ disk, epoch: 6 });
    old.checkOwner(1000 + OWNER_CHECK_MS);
    expect(() => old.checkOwner(1001 + OWNER_CHECK_MS))
      .to.throw(StoreError)
      .with.property('kind', 'fenced');
    expect(() => old.checkOwner(1002 + OWNER_CHECK_MS), 'for ever').to.throw(StoreError);
  });
});
